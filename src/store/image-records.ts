/** Which image was built from which inputs; a hint that the host confirms before it is used. */
import type { ImageRecord, ImageRecordStore } from '../images/ports.ts'
import { sql, type Database } from './database.ts'

export function createImageRecordStore(db: Database): ImageRecordStore & {
  /** Image ids in use by records younger than this many days, per host, so that the sweep keeps them. */
  recent(days: number): Promise<readonly { readonly host: string; readonly imageId: string }[]>
  forget(days: number): Promise<number>
} {
  return {
    async find({ repositoryId, trust, host, platform, inputsDigest }) {
      const row = await db.first<{ host: string; platform: string; image_id: string }>(sql`
        update image_builds set last_used_at = now()
        where repository_id = ${repositoryId} and trust = ${trust} and host = ${host} and platform = ${platform}
          and inputs_digest = ${inputsDigest}
        returning host, platform, image_id`)
      return row === null
        ? null
        : ({ host: row.host, platform: row.platform, imageId: row.image_id } satisfies ImageRecord)
    },
    async keep({ repositoryId, trust, host, platform, inputsDigest, imageId, runId }) {
      await db.run(sql`
        insert into image_builds (repository_id, trust, host, platform, inputs_digest, image_id, run_id)
        values (${repositoryId}, ${trust}, ${host}, ${platform}, ${inputsDigest}, ${imageId}, ${runId})
        on conflict (repository_id, trust, host, platform, inputs_digest) do update set image_id = excluded.image_id,
          run_id = excluded.run_id, last_used_at = now()`)
    },
    async recent(days) {
      const rows = await db.rows<{ host: string; image_id: string }>(sql`
        select distinct host, image_id from image_builds where last_used_at > now() - ${days} * interval '1 day'`)
      return rows.map((row) => ({ host: row.host, imageId: row.image_id }))
    },
    forget: (days) => db.run(sql`delete from image_builds where last_used_at < now() - ${days} * interval '1 day'`),
  }
}
