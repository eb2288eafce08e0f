/** Secrets by name: the admin's file first, then what an admin stored. Only ever asked for trusted commits. */
import type { RepositoryRef } from '../core/events.ts'
import { secretOf, type Secret } from '../core/secret.ts'
import { sql } from '../store/database.ts'
import { secretContext } from '../store/service-secrets.ts'
import type { Foundation } from './foundation.ts'

interface SecretRow {
  readonly repository: string
  readonly name: string
  readonly version: number
  readonly ciphertext: Buffer
}

export interface Secrets {
  namesOf(repository: RepositoryRef): Promise<readonly string[]>
  /** Those of the names that exist; the configuration was checked against `namesOf`. */
  valuesOf(repository: RepositoryRef, names: readonly string[]): Promise<Readonly<Record<string, Secret>>>
}

export function createSecrets(base: Foundation): Secrets {
  const stored = (repository: RepositoryRef): Promise<SecretRow[]> => {
    const patterns = [`${repository.owner}/${repository.name}`, `${repository.owner}/*`].map((pattern) =>
      pattern.toLowerCase(),
    )
    return base.db.rows<SecretRow>(sql`
      select distinct on (name) repository, name, version, ciphertext from secrets
      where lower(repository) = any(${patterns}) and deleted_at is null
      order by name, array_position(${patterns}, lower(repository)), version desc`)
  }
  return {
    async namesOf(repository) {
      const names = (await stored(repository)).map((row) => row.name)
      return [...new Set([...Object.keys(base.policyOf(repository).secrets), ...names])]
    },
    async valuesOf(repository, names) {
      const fromFile = base.policyOf(repository).secrets
      const values: Record<string, Secret> = {}
      for (const row of await stored(repository)) {
        if (names.includes(row.name))
          values[row.name] = secretOf(base.cipher.open(row.ciphertext, secretContext(row.repository, row.name)))
      }
      for (const name of names) {
        const secret = fromFile[name]
        if (secret !== undefined) values[name] = secret
      }
      return values
    },
  }
}
