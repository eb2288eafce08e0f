/**
 * Makes the pools what server.yml says. What the file no longer names leaves as soon as nobody holds it; a held
 * instance is never dropped, and what was made over the API is left alone unless the file names it as well.
 */
import type { PoolConfig } from '../config/server-config.ts'
import { reveal } from '../core/secret.ts'
import { parseDomain, tokenContext } from './instance-domain.ts'
import { DEFAULT_POOL, type Instance, type Pool, type PoolSettings } from './pool.ts'
import type { PoolStore, TokenCipher } from './ports.ts'

const ACTOR = 'server.yml'
/** How many failures in a row put an instance aside, where nobody said otherwise. */
const DEFAULT_QUARANTINE_AFTER = 3

export interface AppliedPools {
  readonly added: readonly string[]
  readonly leaving: readonly string[]
  /** Held in the pool they were in before; they move at the next `apply` that finds them free. */
  readonly postponed: readonly string[]
}

export async function applyPoolConfig(
  deps: { readonly store: PoolStore; readonly cipher: TokenCipher },
  configs: readonly PoolConfig[],
): Promise<AppliedPools> {
  const applied = { added: [] as string[], leaving: [] as string[], postponed: [] as string[] }
  // The default pool first: its instances are numbered from 1 in the compatible list.
  const ordered = configs.toSorted((a, b) => Number(b.name === DEFAULT_POOL) - Number(a.name === DEFAULT_POOL))
  for (const config of ordered) {
    const pool = await applyPool(deps.store, config)
    for (const wanted of config.instances) await applyInstance(deps, pool, wanted, applied)
  }
  const named = new Set(configs.flatMap((config) => config.instances.map(({ domain }) => parseDomain(domain))))
  for (const { pool } of await deps.store.overviews()) {
    for (const instance of await deps.store.instances(pool.name)) {
      if (instance.source !== 'file' || instance.isLeaving || named.has(instance.domain)) continue
      await deps.store.order(pool, instance.id, 'remove', ACTOR, 'server.yml no longer names it')
      applied.leaving.push(instance.domain)
    }
    if (pool.source === 'file' && !configs.some(({ name }) => name === pool.name)) await dropPool(deps.store, pool)
  }
  return applied
}

async function applyPool(store: PoolStore, config: PoolConfig): Promise<Pool> {
  const existing = await store.findPool(config.name)
  const settings = toSettings(config, existing)
  if (existing === null) await store.createPool(config.name, settings, 'file', ACTOR)
  else await store.editPool(existing, settings, 'file', ACTOR)
  const pool = await store.findPool(config.name)
  if (pool === null) throw new Error(`the pool ${config.name} was closed while it was applied`)
  return pool
}

/** The default pool outlives the file, with the settings it had. */
async function dropPool(store: PoolStore, pool: Pool): Promise<void> {
  if (pool.name === DEFAULT_POOL) await store.editPool(pool, pool, 'api', ACTOR)
  else await store.closePool(pool, ACTOR)
}

function toSettings(config: PoolConfig, existing: Pool | null): PoolSettings {
  return {
    timeoutMs: config.timeoutMs,
    maxTimeoutMs: config.maxTimeoutMs,
    cleaning: config.cleaning === null ? null : { kind: 'container', ...config.cleaning },
    health: config.health,
    selection: existing?.selection ?? 'lowest',
    quarantineAfter: existing?.quarantineAfter ?? DEFAULT_QUARANTINE_AFTER,
    maxHeldPerRepository: existing?.maxHeldPerRepository ?? null,
    maxWaitingPerRepository: existing?.maxWaitingPerRepository ?? null,
  }
}

async function applyInstance(
  deps: { readonly store: PoolStore; readonly cipher: TokenCipher },
  pool: Pool,
  wanted: PoolConfig['instances'][number],
  applied: { readonly added: string[]; readonly postponed: string[] },
): Promise<void> {
  const { store, cipher } = deps
  const domain = parseDomain(wanted.domain) ?? wanted.domain
  const token = reveal(wanted.token)
  const existing = await store.findInstanceByDomain(domain)
  if (existing === null) {
    const sealedToken = cipher.seal(token, tokenContext(domain))
    await store.addInstance(pool, { domain, sealedToken, labels: wanted.labels, note: '', source: 'file' }, ACTOR)
    applied.added.push(domain)
    return
  }
  if (existing.pool !== pool.name && existing.state === 'held') applied.postponed.push(domain)
  const home = await store.findPool(existing.pool)
  if (existing.isLeaving) await store.order(home ?? pool, existing.id, 'stay', ACTOR, 'server.yml names it again')
  if (isAsWanted(cipher, existing, pool, wanted, token)) return
  const sealedToken = cipher.seal(token, tokenContext(existing.domain))
  await store.editInstance(
    home ?? pool,
    existing.id,
    { sealedToken, labels: wanted.labels, source: 'file', pool: pool.name },
    ACTOR,
  )
}

function isAsWanted(
  cipher: TokenCipher,
  existing: Instance,
  pool: Pool,
  wanted: PoolConfig['instances'][number],
  token: string,
): boolean {
  return (
    existing.pool === pool.name &&
    existing.source === 'file' &&
    cipher.open(existing.sealedToken, tokenContext(existing.domain)) === token &&
    sameLabels(existing.labels, wanted.labels)
  )
}

function sameLabels(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}
