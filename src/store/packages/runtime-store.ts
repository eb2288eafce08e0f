import { SlipwayError } from '../../core/errors.ts'
import type { RuntimeRecord, RuntimeStore } from '../../packages/ports.ts'
import { sql, type Database } from '../database.ts'

interface RuntimeRow {
  readonly version: string
  readonly image: string
  readonly sha256: string
  readonly size: string
}

/** Runtimes that were given out once: like artifacts they never change. */
export function createRuntimeStore(db: Database): RuntimeStore {
  const get = async (version: string): Promise<RuntimeRecord | null> => {
    const row = await db.first<RuntimeRow>(
      sql`select version, image, sha256, size from package_runtimes where version = ${version}`,
    )
    return row === null ? null : { ...row, size: Number(row.size) }
  }
  return {
    get,
    imageFor: (version) =>
      db.first<{ host: string; image: string }>(sql`
        select runs.plan ->> 'host' as host, runs.plan ->> 'image' as image
        from package_builds b join runs on runs.id = b.run_id join packages p on p.id = b.package_id
          join repositories r on r.id = p.repository_id
        where b.axes ->> 'erl_version' = ${version} and b.axes ? 'erl_version' and runs.conclusion = 'success'
          and not r.is_private
        order by b.sequence desc limit 1`),
    async keep({ version, image, sha256, size }) {
      await db.run(sql`insert into package_runtimes (version, image, sha256, size)
        values (${version}, ${image}, ${sha256}, ${size}) on conflict do nothing`)
      const kept = await get(version)
      if (kept === null) throw new SlipwayError('internal', `the runtime of ${version} cannot be kept`)
      return kept
    },
  }
}
