/** What this installation of Slipway knows of itself, shared by all its processes. */
import { sql, type Database } from './database.ts'

export interface InstallationSettings {
  get(key: string): Promise<unknown>
  set(key: string, value: unknown): Promise<void>
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
    async ensure(key, create) {
      const known = await get(key)
      if (known !== null) return known
      await db.run(sql`insert into settings (key, value) values (${key}, ${JSON.stringify(create())}::jsonb)
        on conflict (key) do nothing`)
      return await get(key)
    },
  }
}
