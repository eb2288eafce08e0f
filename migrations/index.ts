/**
 * Every migration in order. A list of imports instead of a folder read at run time: it is type-checked and bundled.
 * A migration is never edited after it landed.
 */
import type { Knex } from 'knex'
import * as createFoundation from './20261121000000_create_foundation.ts'
import * as createPool from './20261121000100_create_pool.ts'
import * as createPipelines from './20261121000200_create_pipelines.ts'
import * as createDeployments from './20261121000300_create_deployments.ts'
import * as createPackages from './20261121000400_create_packages.ts'
import * as keepSessionCredentials from './20261121000500_keep_session_credentials.ts'

export interface Migration {
  readonly name: string
  up(knex: Knex): Promise<void>
  down(knex: Knex): Promise<void>
}

const migration = (name: string, module: Pick<Migration, 'up' | 'down'>): Migration => ({
  name,
  up: (knex) => module.up(knex),
  down: (knex) => module.down(knex),
})

export const MIGRATIONS: readonly Migration[] = [
  migration('20261121000000_create_foundation', createFoundation),
  migration('20261121000100_create_pool', createPool),
  migration('20261121000200_create_pipelines', createPipelines),
  migration('20261121000300_create_deployments', createDeployments),
  migration('20261121000400_create_packages', createPackages),
  migration('20261121000500_keep_session_credentials', keepSessionCredentials),
]
