/** What an admin's form on the pool page does. */
import {
  ADMIN_CLIENT,
  labelProblem,
  parseDomain,
  reserve,
  stealInstance,
  textProblem,
  tokenContext,
  type Instance,
  type InstanceOrder,
  type Labels,
  type Pool,
  type ReserveDeps,
  type TokenCipher,
} from '../pool/index.ts'
import type { AddForm } from './pool-view-model.ts'

/** A platformOS token has exactly so many characters; the form is where people paste them wrongly. */
const TOKEN_LENGTH = 43
const ORDERS: readonly string[] = ['drain', 'undrain', 'quarantine', 'restore', 'remove'] satisfies InstanceOrder[]

export interface OrderDeps extends ReserveDeps {
  readonly cipher: TokenCipher
}

export type Fields = Readonly<Record<string, string>>

/** Null when it was done, else what is wrong with it. */
export async function obey(
  deps: OrderDeps,
  pool: Pool,
  instance: Instance,
  verb: string,
  fields: Fields,
  actor: string,
): Promise<string | null> {
  const reason = fields['reason'] ?? ''
  if (isOrder(verb)) {
    await deps.store.order(pool, instance.id, verb, actor, reason)
    return null
  }
  switch (verb) {
    case 'reserve': {
      const answer = await reserve(
        deps,
        pool,
        { client: ADMIN_CLIENT, actor, instanceId: instance.id, reason },
        AbortSignal.timeout(60_000),
      )
      if (answer.kind === 'granted') return null
      return answer.kind === 'invalid'
        ? `${answer.field} ${answer.message}`
        : `${instance.domain} is not free; steal it if you must`
    }
    case 'release': {
      if (instance.holder === null) return null
      await deps.store.end(
        { by: 'id', id: instance.holder.reservationId },
        { ending: 'released', actor, reason: 'released on the page' },
      )
      return null
    }
    case 'steal': {
      if (reason.trim() === '') return 'say why'
      const answer = await stealInstance(deps.store, pool, instance.id, {
        client: ADMIN_CLIENT,
        actor,
        reason,
        timeoutMs: null,
      })
      if (answer.kind === 'stolen') return null
      return answer.kind === 'invalid' ? `${answer.field} ${answer.message}` : `nobody holds ${instance.domain}`
    }
    case 'edit': {
      const labels = parseLabels(fields['labels'] ?? '')
      const note = fields['note'] ?? ''
      if (labels === null) return 'labels are written as key=value'
      const problem = labelProblem(labels) ?? textProblem('note', note)
      if (problem !== null) return `${problem.field} ${problem.message}`
      await deps.store.editInstance(pool, instance.id, { labels, note }, actor)
      return null
    }
    default:
      return `there is no order ${verb}`
  }
}

/** Null when it was added, else the form with what is wrong. */
export async function addInstance(deps: OrderDeps, pool: Pool, fields: Fields, actor: string): Promise<AddForm | null> {
  const { domain: url = '', token = '', labels: labelText = '', note = '' } = fields
  const form = { domain: url, labels: labelText, note }
  const domain = /^https?:\/\/\S+$/.test(url) ? parseDomain(url) : null
  const labels = parseLabels(labelText)
  const problems: Record<string, string> = {}
  if (url === '') problems['domain'] = 'cannot be blank'
  else if (domain === null) problems['domain'] = 'is not valid url'
  if (token === '') problems['token'] = 'cannot be blank'
  else if (token.length < TOKEN_LENGTH) problems['token'] = `is too short (minimum is ${TOKEN_LENGTH} characters)`
  else if (token.length > TOKEN_LENGTH) problems['token'] = `is too long (maximum is ${TOKEN_LENGTH} characters)`
  const wrong =
    labels === null
      ? { field: 'labels', message: 'must be key=value' }
      : (labelProblem(labels) ?? textProblem('note', note))
  if (wrong !== null) problems[wrong.field] = wrong.message
  if (Object.keys(problems).length > 0 || domain === null || labels === null) return { ...form, problems }
  const sealedToken = deps.cipher.seal(token, tokenContext(domain))
  const id = await deps.store.addInstance(pool, { domain, sealedToken, labels, note, source: 'api' }, actor)
  return id === null ? { ...form, problems: { domain: 'already taken' } } : null
}

/** `size=s region=eu`; null when a word is not a label. */
function parseLabels(text: string): Labels | null {
  const pairs = text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => /^([^=]+)=(.*)$/.exec(word))
  if (pairs.includes(null)) return null
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']))
}

function isOrder(verb: string): verb is InstanceOrder {
  return ORDERS.includes(verb)
}
