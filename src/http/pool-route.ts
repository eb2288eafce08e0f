/** What the routes of the native pool API have in common. */
import type { z } from '@hono/zod-openapi'
import { SlipwayError } from '../core/errors.ts'
import type { Instance, Pool, PoolStore } from '../pool/index.ts'
import { mayUsePool, type Identity } from './authenticate.ts'
import { ErrorAnswer } from './pool-schemas.ts'

export const SECURITY = [{ bearer: [] }]
export const TAGS = ['pools']

export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { 'application/json': { schema } } }
}

export function jsonAnswer<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { 'application/json': { schema } } }
}

/** Statuses that every route may answer. */
export const FAILURES = {
  401: jsonAnswer('no valid token', ErrorAnswer),
  403: jsonAnswer('the token may not do this', ErrorAnswer),
  404: jsonAnswer('there is no such thing', ErrorAnswer),
  409: jsonAnswer('its state does not allow this now', ErrorAnswer),
  422: jsonAnswer('a field is wrong', ErrorAnswer),
}

/** A pool that the token may not use does not exist for it. */
export async function requirePool(store: PoolStore, name: string, identity: Identity): Promise<Pool> {
  const pool = mayUsePool(identity, name) ? await store.findPool(name) : null
  if (pool === null) throw new SlipwayError('not_found', `pool: there is no pool ${name}`, { field: 'pool' })
  return pool
}

export async function requireInstance(store: PoolStore, pool: Pool, id: string): Promise<Instance> {
  const instance = await store.findInstance(pool.name, id)
  if (instance === null)
    throw new SlipwayError('not_found', `id: there is no instance ${id} in the pool ${pool.name}`, { field: 'id' })
  return instance
}
