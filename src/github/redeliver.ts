/** Asks GitHub to deliver again what never arrived: it does not do so by itself. */
import type { GitHub } from './connect.ts'

const PAGE_SIZE = 100
/** GitHub keeps deliveries for three days; a page is a hundred. */
const MOST_PAGES = 30

export interface MissedDeliveries {
  /** Ids that are stored here. */
  known(ids: readonly string[]): Promise<ReadonlySet<string>>
  isHandled(event: string): boolean
}

/** Redelivers events that Slipway handles, whose delivery failed and that are not here. Returns how many were asked for. */
export async function redeliverFailed(github: GitHub, missed: MissedDeliveries): Promise<number> {
  const failed = await github.call(() => listFailed(github))
  // Attempts of one delivery share its guid; one repetition is enough.
  const byGuid = new Map(failed.filter(({ event }) => missed.isHandled(event)).map(({ guid, id }) => [guid, id]))
  const known = await missed.known([...byGuid.keys()])
  const wanted = [...byGuid].filter(([guid]) => !known.has(guid))
  for (const [, id] of wanted) {
    await github.call(() =>
      github.app().request('POST /app/hook/deliveries/{delivery_id}/attempts', { delivery_id: id }),
    )
  }
  return wanted.length
}

interface Attempt {
  readonly id: number
  readonly guid: string
  readonly event: string
}

async function listFailed(github: GitHub): Promise<readonly Attempt[]> {
  const found: Attempt[] = []
  let cursor: string | undefined
  for (let page = 0; page < MOST_PAGES; page++) {
    const answer = await github.app().request('GET /app/hook/deliveries', {
      per_page: PAGE_SIZE,
      status: 'failure',
      ...(cursor === undefined ? {} : { cursor }),
    })
    found.push(...answer.data.map(({ id, guid, event }) => ({ id: Number(id), guid, event })))
    cursor = /[?&]cursor=([^&>]+)[^>]*>; rel="next"/.exec(answer.headers.link ?? '')?.[1]
    if (cursor === undefined) break
  }
  return found
}
