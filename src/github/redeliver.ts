/** Asks GitHub to deliver again what never arrived: it does not do so by itself. */
import type { DeliveryStore } from '../app/ports.ts'
import { HANDLED_EVENTS } from '../app/routes.ts'
import type { GitHub } from './connect.ts'

const PAGE_SIZE = 100
/** GitHub keeps deliveries for three days; a page is a hundred. */
const MOST_PAGES = 30

/** Redelivers events that Slipway handles and that have no good attempt and no row here. Returns how many were asked for. */
export async function redeliverFailed(github: GitHub, deliveries: Pick<DeliveryStore, 'known'>): Promise<number> {
  const attempts = await github.call(() => listDeliveries(github))
  const delivered = new Set(attempts.filter((attempt) => attempt.statusCode >= 200 && attempt.statusCode < 300).map((a) => a.guid))
  const missed = new Map<string, number>()
  for (const attempt of attempts) {
    if (!delivered.has(attempt.guid) && HANDLED_EVENTS.has(attempt.event)) missed.set(attempt.guid, attempt.id)
  }
  const known = await deliveries.known([...missed.keys()])
  const wanted = [...missed].filter(([guid]) => !known.has(guid))
  for (const [, id] of wanted) {
    await github.call(() => github.app().request('POST /app/hook/deliveries/{delivery_id}/attempts', { delivery_id: id }))
  }
  return wanted.length
}

interface Attempt {
  readonly id: number
  readonly guid: string
  readonly event: string
  readonly statusCode: number
}

async function listDeliveries(github: GitHub): Promise<readonly Attempt[]> {
  const found: Attempt[] = []
  let cursor: string | undefined
  for (let page = 0; page < MOST_PAGES; page++) {
    const answer = await github.app().request('GET /app/hook/deliveries', {
      per_page: PAGE_SIZE,
      ...(cursor === undefined ? {} : { cursor }),
    })
    found.push(...answer.data.map(({ id, guid, event, status_code: statusCode }) => ({ id: Number(id), guid, event, statusCode })))
    cursor = /[?&]cursor=([^&>]+)[^>]*>; rel="next"/.exec(answer.headers.link ?? '')?.[1]
    if (cursor === undefined) break
  }
  return found
}
