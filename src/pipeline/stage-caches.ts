/** Folders that are kept between runs. What a cache does is a help: when it fails, the stage says so and goes on. */
import { fillTemplate, placeholdersOf } from '../config/fill-template.ts'
import type { CacheConfig } from '../config/repository-config.ts'
import { errorMessage } from '../core/errors.ts'
import type { CacheReport } from '../core/stage-report.ts'
import { packPaths } from './pack-paths.ts'
import type { CacheEntry } from './ports.ts'
import type { StageContext } from './stage-context.ts'

/** One cache entry; larger ones cost more to move than they save. */
const LARGEST_CACHE_BYTES = 2 * 1024 ** 3

export interface RestoredCache {
  readonly config: CacheConfig
  readonly key: string
  readonly isExact: boolean
}

/** Unpacks what there is into the container's volume, before the first step starts. */
export async function restoreCaches(context: StageContext, containerId: string): Promise<readonly RestoredCache[]> {
  const restored: RestoredCache[] = []
  for (const config of context.plan.config.cache) {
    const key = await fillKey(context, config.key)
    const entry = context.plan.useCache ? await findEntry(context, key, config) : null
    const isExact = entry?.key === key
    const unpacked = entry === null ? 'miss' : await unpack(context, containerId, entry)
    await tell(context, {
      key,
      outcome: unpacked === null ? (isExact ? 'hit' : 'restored from another key') : 'miss',
      detail: unpacked === null ? (isExact ? null : (entry?.key ?? null)) : null,
    })
    restored.push({ config, key, isExact: isExact && unpacked === null })
  }
  return restored
}

/** After a good end: keeps what has no entry of its own yet. */
export async function saveCaches(context: StageContext, containerId: string): Promise<void> {
  for (const config of context.plan.config.cache) {
    const key = await fillKey(context, config.key)
    const { write } = context.plan.cacheScopes
    try {
      if ((await context.caches.find(context.identity.repositoryId, [write], key)) !== null) continue
      const tar = await packPaths(context.host, containerId, config.paths)
      if (tar === null) {
        await tell(context, { key, outcome: 'not saved', detail: `none of ${config.paths.join(', ')} exists` })
        continue
      }
      const blob = await context.cacheBlobs.put(tar, { maxBytes: LARGEST_CACHE_BYTES })
      await context.caches.keep({
        key,
        ...blob,
        repositoryId: context.identity.repositoryId,
        scope: write,
        stage: context.plan.stage,
      })
      await tell(context, { key, outcome: 'saved', detail: null })
    } catch (error) {
      await tell(context, { key, outcome: 'not saved', detail: errorMessage(error) })
    }
  }
}

async function findEntry(context: StageContext, key: string, config: CacheConfig): Promise<CacheEntry | null> {
  const { caches, identity, plan } = context
  const exact = await caches.find(identity.repositoryId, plan.cacheScopes.read, key)
  if (exact !== null) return exact
  for (const prefix of config.restore) {
    const entry = await caches.findByPrefix(
      identity.repositoryId,
      plan.cacheScopes.read,
      await fillKey(context, prefix),
    )
    if (entry !== null) return entry
  }
  return null
}

/** Null when it worked. */
async function unpack(context: StageContext, containerId: string, entry: CacheEntry): Promise<string | null> {
  try {
    const blob = await context.cacheBlobs.get(entry.sha256)
    if (blob === null) return 'its bytes are gone'
    await context.host.unpack(containerId, blob.content, context.signal)
    return null
  } catch (error) {
    await context.log.note(`cache ${entry.key} could not be unpacked: ${errorMessage(error)}`)
    return errorMessage(error)
  }
}

async function fillKey(context: StageContext, template: string): Promise<string> {
  const values = new Map<string, string>([
    ...Object.entries(context.plan.combination),
    ['branch', context.source.branch ?? context.source.tag ?? ''],
  ])
  for (const name of placeholdersOf(template)) {
    if (name.startsWith('hash:'))
      values.set(name, (await context.checkout.hashFiles(name.slice('hash:'.length))) ?? 'none')
  }
  return fillTemplate(template, (name) => values.get(name)).text
}

async function tell(context: StageContext, cache: CacheReport): Promise<void> {
  context.state.change((report) => ({ ...report, caches: [...report.caches, cache] }))
  await context.log.note(`cache ${cache.key}: ${cache.outcome}${cache.detail === null ? '' : ` (${cache.detail})`}`)
}
