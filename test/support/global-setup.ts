/**
 * Runs once around a whole vitest run: makes sure that Docker and its base image are there, and names the folder where
 * the first test that needs a database starts the shared PostgreSQL (`database.ts`); in the end stops that server.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { silentLogger } from '../../src/core/logger.ts'
import { startEmbeddedPostgres } from '../../src/store/embedded/embedded-postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** DATA_DIR of the PostgreSQL that all tests of one run share. */
    databaseDirectory: string
  }
}

const SET_UP = fileURLToPath(new URL('../../scripts/setup/main.mjs', import.meta.url))

export default async function setUpOnce(project: TestProject): Promise<() => Promise<void>> {
  await promisify(execFile)(process.execPath, [SET_UP])
  const databaseDirectory = await mkdtemp(join(tmpdir(), 'slipway-tests-'))
  project.provide('databaseDirectory', databaseDirectory)

  return async () => {
    if (existsSync(join(databaseDirectory, 'postgres'))) {
      const server = await startEmbeddedPostgres({ dataDir: databaseDirectory, logger: silentLogger })
      await server.stop()
    }
    await rm(databaseDirectory, { recursive: true, force: true })
  }
}
