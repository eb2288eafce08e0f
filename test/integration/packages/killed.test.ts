import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sql } from '../../../src/store/database.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { openWorld, shellPackage, type World } from './package-world.ts'

const PROGRAM = fileURLToPath(new URL('build-process.ts', import.meta.url))

let database: TestDatabase
let world: World

beforeEach(async () => {
  database = await createTestDatabase()
  world = await openWorld({ databaseUrl: database.url, works: false })
})

afterEach(async () => {
  await world.close()
  await database.drop()
})

describe('a build whose process is killed', () => {
  it.each(['started', 'source copied', 'building', 'storing', 'publishing', 'published', 'completed'])(
    'when it was %s is one release in the end, with nothing left over',
    async (step) => {
      const lib = await world.repository('lib', { 'src/a.txt': 'x' }, { lib: shellPackage() })
      const { builds } = await world.tag(lib, 'v1')
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', PROGRAM, step, database.url, world.folder, world.instance],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      const [processId] = (await once(createInterface(child.stdout), 'line')) as [string]
      const [, signal] =
        child.signalCode === null
          ? ((await once(child, 'exit')) as [number | null, string | null])
          : [null, child.signalCode]
      expect(signal).toBe('SIGKILL')

      await world.processes.reap([processId], null, 3)
      const second = await openWorld({ databaseUrl: database.url, folder: world.folder, instance: world.instance })
      try {
        await second.settled()
      } finally {
        await second.close({ keepFolder: true })
      }
      const [build, ...others] = await world.builds()
      expect([others.length, build?.runId, build?.conclusion]).toEqual([0, builds[0]?.runId, 'success'])
      expect(await world.db.first(sql`select count(*)::integer as artifacts from package_artifacts`)).toEqual({
        artifacts: 1,
      })
      expect(await world.deps.blobs.exists(build?.artifact?.sha256 ?? '')).toBe(build?.artifact?.size)
      expect(await world.left()).toEqual([])
      expect(
        await world.db.first(
          sql`select desired ->> 'status' as status, desired ->> 'conclusion' as conclusion from check_reports`,
        ),
      ).toEqual({ status: 'completed', conclusion: 'success' })
    },
  )
})
