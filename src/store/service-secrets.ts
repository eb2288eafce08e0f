/**
 * Secrets of services by version. What an admin writes into `server.yml` becomes a version as soon as it differs from
 * the last one, so that a rollback gets the secret of its time although the file has changed since.
 */
import { SlipwayError } from '../core/errors.ts'
import { reveal, secretOf, type Secret } from '../core/secret.ts'
import type { ServiceSecrets } from '../deployment/ports.ts'
import type { Cipher } from './cipher.ts'
import { sql, type Database, type Queryable } from './database.ts'

export interface SecretSource {
  /** `owner/name` of the repository. */
  nameOf(repositoryId: number): Promise<string>
  /** What the admin's file gives the repository. */
  fromFile(repositoryId: number): Promise<Readonly<Record<string, Secret>>>
}

interface SecretRow {
  readonly repository: string
  readonly version: number
  readonly ciphertext: Uint8Array
}

export function createServiceSecrets(db: Database, cipher: Cipher, source: SecretSource): ServiceSecrets {
  return {
    async pin(repositoryId, names) {
      const [repository, file] = [await source.nameOf(repositoryId), await source.fromFile(repositoryId)]
      const pins: Record<string, number> = {}
      for (const name of names) {
        const given = file[name]
        const version =
          given === undefined
            ? await newestVersion(db, repository, name)
            : await versionOf(db, cipher, repository, name, given)
        if (version === null) {
          throw new SlipwayError('config_invalid', `no admin stored the secret ${name} for ${repository}`, {
            remedy: 'add it to server.yml, or on the settings page',
          })
        }
        pins[name] = version
      }
      return pins
    },
    async open(repositoryId, versions) {
      const repository = await source.nameOf(repositoryId)
      const entries = await Promise.all(
        Object.entries(versions).map(async ([name, version]): Promise<[string, Secret]> => {
          const row = await db.first<SecretRow>(sql`select repository, version, ciphertext from secrets
            where repository = any(${patternsOf(repository)}) and name = ${name} and version = ${version} order by length(repository) desc limit 1`)
          if (row === null) throw new SlipwayError('config_invalid', `version ${version} of the secret ${name} is gone`)
          return [name, secretOf(cipher.open(row.ciphertext, secretContext(row.repository, name)))]
        }),
      )
      return Object.fromEntries(entries)
    },
  }
}

/** What a secret's ciphertext is bound to. */
export function secretContext(repository: string, name: string): string {
  return `secret:${repository.toLowerCase()}:${name}`
}

function patternsOf(repository: string): string[] {
  const name = repository.toLowerCase()
  return [name, `${name.split('/')[0] ?? ''}/*`]
}

async function newestVersion(db: Queryable, repository: string, name: string): Promise<number | null> {
  const row = await db.first<SecretRow>(sql`select repository, version, ciphertext from secrets
    where repository = any(${patternsOf(repository)}) and name = ${name} and deleted_at is null
    order by length(repository) desc, version desc limit 1`)
  return row?.version ?? null
}

/** The version with this value, made when the newest has another. */
async function versionOf(
  db: Database,
  cipher: Cipher,
  repository: string,
  name: string,
  value: Secret,
): Promise<number> {
  const owner = repository.toLowerCase()
  return db.transaction(async (tx) => {
    await tx.run(sql`select pg_advisory_xact_lock(hashtext(${`secret:${owner}:${name}`}))`)
    const newest = await tx.first<SecretRow>(sql`select repository, version, ciphertext from secrets
      where repository = ${owner} and name = ${name} order by version desc limit 1`)
    if (newest !== null && cipher.open(newest.ciphertext, secretContext(owner, name)) === reveal(value))
      return newest.version
    const version = (newest?.version ?? 0) + 1
    const sealed = Buffer.from(cipher.seal(reveal(value), secretContext(owner, name)))
    // Kept for rollbacks only: a secret that leaves the file is not to be had any more.
    await tx.run(sql`insert into secrets (repository, name, version, ciphertext, created_by, deleted_at)
      values (${owner}, ${name}, ${version}, ${sealed}, 'server.yml', now())`)
    return version
  })
}
