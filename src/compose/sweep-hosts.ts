/**
 * Removes from every Docker host what this installation made and no live row needs (invariant I8). Rows come before
 * objects, so an object whose run has ended or never existed is a leftover; services and their releases are judged by
 * the features that keep them, and images are kept while a build may want them again.
 */
import { errorMessage } from '../core/errors.ts'
import { sweepOwned, type OwnedObject } from '../docker/sweep.ts'
import { sql } from '../store/database.ts'
import { createImageRecordStore } from '../store/image-records.ts'
import type { Feature } from './feature.ts'
import type { Foundation } from './foundation.ts'

/** Work that belongs to no run (cleaning an instance) has an end of its own long before this. */
const UNOWNED_GRACE_MS = 15 * 60_000
/** An image that nobody asked for in this time is built again when somebody does. */
const KEEP_IMAGES_DAYS = 14

export async function sweepHosts(base: Foundation, features: readonly Feature[]): Promise<void> {
  const openRuns = new Set(
    (await base.db.rows<{ id: string }>(sql`select id from runs where state <> 'completed'`)).map((row) => row.id),
  )
  const records = createImageRecordStore(base.db)
  await records.forget(KEEP_IMAGES_DAYS)
  const recent = await records.recent(KEEP_IMAGES_DAYS)
  const keepers = await Promise.all(features.flatMap((feature) => feature.keepOnHosts?.() ?? []))

  for (const { name } of base.hosts.configs) {
    const images = new Set(recent.filter((image) => image.host === name).map((image) => image.imageId))
    const keep = (object: OwnedObject): boolean =>
      (object.owner.run !== undefined && openRuns.has(object.owner.run)) ||
      (object.kind === 'image' && images.has(object.id)) ||
      keepers.some((keeps) => keeps(name, object)) ||
      (isUnowned(object) && base.clock.now() - object.createdAt < UNOWNED_GRACE_MS)
    try {
      const { removed, remaining } = await sweepOwned(base.hosts.host(name).engine, { instance: base.instanceId }, keep)
      if (removed.length > 0) base.logger.info({ host: name, removed: removed.length }, 'removed leftovers from a host')
      if (remaining.length > 0) base.logger.debug({ host: name, remaining }, 'leftovers that could not be removed yet')
    } catch (error) {
      base.logger.warn({ host: name, err: errorMessage(error) }, 'could not look for leftovers on a host')
    }
  }
}

function isUnowned({ owner }: OwnedObject): boolean {
  return owner.run === undefined && owner.service === undefined && owner.release === undefined
}
