import { z } from 'zod'

export const BACKUP_FORMAT = 'slipway-backup/1'
export const MANIFEST = 'slipway-backup.json'
/** What rows point to; mirrors and caches are made again by themselves. */
export const DATA_FOLDERS = ['blobs', 'artifacts', 'logs'] as const

export const backupManifest = z.object({
  format: z.literal(BACKUP_FORMAT),
  version: z.string(),
  made_at: z.string(),
  migrations: z.array(z.string()),
  tables: z.array(z.string()),
  files: z.boolean(),
  key: z.boolean(),
})

export type BackupManifest = z.output<typeof backupManifest>
