/** A backup made while everything is in use, brought back into an empty database. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { startSlipway, type SlipwayUnderTest } from '../../support/slipway.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const CONFIG = 'version: 1\nimages:\n  web: {dockerfile: Dockerfile}\n'

let slipway: SlipwayUnderTest
let empty: TestDatabase
let folder: string
beforeAll(async () => {
  ;[slipway, empty, folder] = await Promise.all([
    startSlipway(),
    createTestDatabase({ migrated: false }),
    mkdtemp(join(tmpdir(), 'slipway-restored-')),
  ])
})
afterAll(async () => {
  await slipway.close()
  await empty.drop()
  await rm(folder, { recursive: true, force: true })
})

describe('slipway backup and restore', () => {
  it('brings every row and the key back, and the new server goes on counting where the old one was', async () => {
    const { github } = slipway
    const files = { '.github/slipway.yml': CONFIG, Dockerfile: 'FROM busybox\nRUN exit 3\n' }
    const repository = await github.createRepository({ owner: 'acme', name: 'kept', files })
    await github.completedCheck(repository.full_name, repository.head ?? '', 'deployability', 60_000)

    const file = join(folder, 'backup.tar.gz')
    const made = await cli(['backup', file, '--files', '--key', '--json'], {
      DATABASE_URL: slipway.database.url,
      DATA_DIR: slipway.dataDir,
    })
    expect(JSON.parse(made)).toMatchObject({ file, files: expect.any(Number) })
    const restored = { DATABASE_URL: empty.url, DATA_DIR: join(folder, 'data') }
    await cli(['restore', file], restored)

    const [before, after] = await Promise.all([contents(slipway.database.url), contents(empty.url)])
    expect(after.runs).toEqual(before.runs)
    expect(after.audit).toEqual(before.audit)
    expect(await readFile(join(folder, 'data', 'encryption.key'), 'utf8')).toBe(
      await readFile(join(slipway.dataDir, 'encryption.key'), 'utf8'),
    )
    expect(await nextAuditId(empty.url)).toBeGreaterThan(Number(before.audit.at(-1)?.id ?? 0))

    await expect(cli(['restore', file], restored)).rejects.toThrow('used by a Slipway already')
  })

  it('leaves the database empty when the backup is cut off, and takes a whole one afterwards', async () => {
    const file = join(folder, 'cut.tar.gz')
    const whole = await readFile(join(folder, 'backup.tar.gz'))
    await writeFile(file, whole.subarray(0, Math.floor(whole.length / 2)))
    const target = await createTestDatabase({ migrated: false })
    try {
      await expect(cli(['restore', file], { DATABASE_URL: target.url, DATA_DIR: join(folder, 'cut') })).rejects.toThrow(
        'not a whole backup',
      )
      expect((await contents(target.url)).runs).toEqual([])
      await cli(['restore', join(folder, 'backup.tar.gz')], { DATABASE_URL: target.url, DATA_DIR: join(folder, 'cut') })
      expect((await contents(target.url)).runs).toHaveLength(1)
    } finally {
      await target.drop()
    }
  })
})

async function cli(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: folder, ...env },
  })
  return stdout
}

async function contents(url: string) {
  return {
    runs: await rows(url, 'select id, sha, name, state, conclusion, result::text from runs order by id'),
    audit: await rows(url, 'select id, actor, action, subject from audit_log order by id'),
  }
}

async function nextAuditId(url: string): Promise<number> {
  const [row] = await rows(
    url,
    `insert into audit_log (actor, action, subject) values ('test', 'a.b', 'c') returning id`,
  )
  return Number(row?.['id'])
}

async function rows(url: string, query: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(query)).rows
  } finally {
    await client.end()
  }
}
