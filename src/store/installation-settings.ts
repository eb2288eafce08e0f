/** What this installation of Slipway knows of itself, shared by all its processes. */
import { sql, type Database } from './database.ts'

export interface InstallationSettings {
  get(key: string): Promise<unknown>
  set(key: string, value: unknown): Promise<void>
  /** Changes the value if it still is `from`; false when somebody was faster. */
  swap(key: string, from: unknown, to: unknown): Promise<boolean>
  /** The value under the key; made by `create` the first time, whichever process comes first. */
  ensure(key: string, create: () => unknown): Promise<unknown>
}

export function createInstallationSettings(db: Database): InstallationSettings {
  const get = async (key: string): Promise<unknown> => {
    const row = await db.first<{ value: unknown }>(sql`select value from settings where key = ${key}`)
    return row?.value ?? null
  }
  return {
    get,
    async set(key, value) {
      await db.run(sql`insert into settings (key, value) values (${key}, ${JSON.stringify(value)}::jsonb)
        on conflict (key) do update set value = excluded.value, updated_at = now()`)
    },
    async swap(key, from, to) {
      if (from === null) {
        return (
          (await db.run(
            sql`insert into settings (key, value) values (${key}, ${JSON.stringify(to)}::jsonb) on conflict do nothing`,
          )) > 0
        )
      }
      const changed = await db.run(sql`update settings set value = ${JSON.stringify(to)}::jsonb, updated_at = now()
        where key = ${key} and value = ${JSON.stringify(from)}::jsonb`)
      return changed > 0
    },
    async ensure(key, create) {
      const known = await get(key)
      if (known !== null) return known
      await db.run(sql`insert into settings (key, value) values (${key}, ${JSON.stringify(create())}::jsonb)
        on conflict (key) do nothing`)
      return await get(key)
    },
  }
}
