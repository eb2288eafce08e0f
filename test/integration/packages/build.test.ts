import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  packageBuildState,
  reconcileTags,
  requestRebuild,
  packagePlanOf,
  verifyProvenance,
} from '../../../src/packages/index.ts'
import { sql } from '../../../src/store/database.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { EVERYBODY, openWorld, shellPackage, type World } from './package-world.ts'

let database: TestDatabase
let world: World

beforeEach(async () => {
  database = await createTestDatabase()
  world = await openWorld({ databaseUrl: database.url })
})

afterEach(async () => {
  await world.close()
  await database.drop()
})

async function outcomeOf(name: string) {
  const build = (await world.builds()).find((one) => one.package.name === name || one.package.repository === name)
  if (build === undefined) throw new Error(`no build of ${name}`)
  const run = await world.runs.get(build.runId)
  if (run === null) throw new Error('no run')
  return { build, run, state: packageBuildState(run), log: await world.log(run.id) }
}

describe('a tag', () => {
  it('is built once, in a container without network, and released under its digest for ever', async () => {
    const lib = await world.repository(
      'lib',
      { 'src/a.txt': 'hello' },
      {
        lib: shellPackage({
          commands: ['wget -T 2 -q -O - http://1.1.1.1 && exit 9 || true', 'cat .git/config', 'tar -cf lib.ep src'],
        }),
      },
    )
    const [first, second] = await Promise.all([world.tag(lib, 'v1.0.0'), world.tag(lib, 'v1.0.0')])
    expect(first.builds[0]?.runId).toBe(second.builds[0]?.runId)
    await world.settled()

    const { build, state, log, run } = await outcomeOf('lib')
    expect(state).toBe('succeeded')
    expect(log).toContain('url = "https://github.com/acme/lib"')
    const { sha256 = '', size, fileName } = build.artifact ?? {}
    const bytes = await buffer((await world.deps.blobs.get(sha256))?.content ?? Readable.from([]))
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
    expect([fileName, size]).toEqual(['lib.ep', bytes.length])
    expect(await world.left()).toEqual([])
    expect((await world.runs.story(run.id)).map((line) => line.message)).toContain(
      `released as http://slipway.test/api/v1/artifacts/${sha256}`,
    )

    const keys = (await world.deps.keys.publicPems()).map((key) => key.pem)
    const verified = verifyProvenance(await world.deps.store.provenance(sha256, EVERYBODY), keys, sha256)
    expect(verified).toMatchObject({
      kind: 'verified',
      statement: {
        predicate: {
          buildDefinition: {
            externalParameters: { repository: 'https://github.com/acme/lib', ref: 'refs/tags/v1.0.0' },
          },
        },
      },
    })

    await expect(world.db.run(sql`update package_artifacts set size = 1`)).rejects.toThrow('never changes')
    await expect(world.db.run(sql`delete from package_artifacts`)).rejects.toThrow('never changes')
  })

  it('keeps its first bytes when it moves, and the other commit is told so', async () => {
    const lib = await world.repository('lib', { 'src/a.txt': 'one' }, { lib: shellPackage() })
    const { sha: first } = await world.tag(lib, 'v1')
    await world.settled()
    const { build } = await outcomeOf('lib')
    await world.commit(lib, { 'src/a.txt': 'two' })
    const { sha: second, builds } = await world.tag(lib, 'v1')
    await world.settled()

    const moved = await world.runs.get(builds[0]?.runId ?? '')
    expect(moved).toMatchObject({ sha: second, name: 'package/lib@v1', conclusion: 'failure', reason: 'tag_moved' })
    const report = await world.db.first<{ desired: { output: { summary: string } } }>(
      sql`select desired from check_reports where run_id = ${moved?.id}`,
    )
    expect(report?.desired.output.summary).toContain(first)
    expect(report?.desired.output.summary).toContain(second)
    expect((await outcomeOf('lib')).build.artifact).toEqual(build.artifact)
    await expect(world.db.run(sql`update package_versions set sha = ${second}`)).rejects.toThrow('never changes')
  })

  it('is found without a webhook, once, and stays released when it is deleted', async () => {
    const lib = await world.repository('lib', { 'src/a.txt': 'x' }, { lib: shellPackage() })
    const tags = []
    for (let n = 0; n < 10; n += 1) tags.push({ tag: `v${n}`, sha: await world.tagOnly(lib, `v${n}`) })
    await Promise.all([reconcileTags(world.deps, lib, tags), reconcileTags(world.deps, lib, tags)])
    await world.tag(lib, 'v3')
    await world.settled()
    const builds = await world.builds()
    expect(builds.map((build) => build.artifact === null)).toEqual(Array.from({ length: 10 }, () => false))

    await reconcileTags(world.deps, lib, tags.slice(1))
    const deleted = (await world.builds()).find((build) => build.version.tag === 'v0')
    expect(deleted?.version.tagDeletedAt).toBeInstanceOf(Date)
    expect(deleted?.artifact).not.toBeNull()
  })
})

describe('a build that goes wrong', () => {
  it.each([
    ['a failing command', { commands: ['echo "src/a.txt:1: broken" >&2', 'exit 3'] }, 'failed', 'exit code 3'],
    ['no artifact', { commands: ['true'] }, 'failed', 'no file matches "*.ep"'],
    [
      'several artifacts',
      { commands: ['echo 1 > a.ep', 'echo 2 > b.ep'] },
      'failed',
      '2 files match "*.ep": "a.ep", "b.ep"',
    ],
    ['a link as artifact', { commands: ['ln -s /etc/passwd a.ep'] }, 'failed', '"a.ep" is a link'],
    ['an archive with a link', { commands: ['ln -s /etc/passwd src/link', 'tar -cf a.ep src'] }, 'failed', 'is a link'],
    [
      'too much memory',
      {
        commands: ['head -c 200m /dev/zero | tail -c 190m | wc -c', 'exit 7'],
        resources: { memoryBytes: 16 * 2 ** 20, cpus: 1, pids: 64 },
      },
      'failed',
      '',
    ],
    ['no end', { commands: ['sleep 600'], timeoutMs: 2_000 }, 'timed_out', 'took longer'],
  ])(
    'because of %s says so and leaves nothing behind',
    async (_name, change, state, message) => {
      const lib = await world.repository('lib', { 'src/a.txt': 'x' }, { lib: shellPackage(change) })
      await world.tag(lib, 'v1')
      await world.settled()
      const ended = await outcomeOf('lib')
      expect([ended.state, ended.log]).toEqual([state, expect.stringContaining(message)])
      expect(await world.left()).toEqual([])
    },
    60_000,
  )
})

describe('a rebuild', () => {
  it('is an attempt of its own that compares and never replaces', async () => {
    const lib = await world.repository(
      'lib',
      { 'src/a.txt': 'x' },
      {
        lib: shellPackage({ commands: ['cp /proc/sys/kernel/random/uuid src/random', 'tar -cf lib.ep src'] }),
        same: shellPackage({ key: 'same', commands: ['sleep 1', 'touch src/a.txt', 'tar -cf same.ep src'] }),
      },
    )
    await world.tag(lib, 'v1')
    await world.settled()
    const released = await world.builds()
    for (const build of released) {
      const run = await world.runs.get(build.runId)
      if (run !== null)
        await requestRebuild(world.deps, { run, plan: packagePlanOf(run), repository: lib, actor: 'octocat' })
    }
    await world.settled()
    const again = (await world.builds()).filter((build) => build.attempt === 2)
    expect(again.map((build) => [build.package.name, build.reason]).toSorted()).toEqual([
      ['lib', 'different'],
      ['same', 'same_contents'],
    ])
    for (const build of again) {
      expect(build.artifact).toEqual(released.find((one) => one.package.name === build.package.name)?.artifact)
      expect(await world.log(build.runId)).not.toBe('')
    }
    expect(again.find((build) => build.package.name === 'lib')?.result).toMatchObject({
      outcome: { comparison: { files: ['src/random'] } },
    })
  })

  it('releases after a failure, and both logs stay', async () => {
    const lib = await world.repository(
      'lib',
      { 'src/a.txt': 'x' },
      { lib: shellPackage({ commands: ['test "$SLIPWAY_EVENT" = manual', 'tar -cf lib.ep src'] }) },
    )
    await world.tag(lib, 'v1')
    await world.settled()
    const failed = await outcomeOf('lib')
    expect(failed.state).toBe('failed')
    await requestRebuild(world.deps, {
      run: failed.run,
      plan: packagePlanOf(failed.run),
      repository: lib,
      actor: 'octocat',
    })
    await world.settled()
    const [newest] = await world.builds()
    expect(newest).toMatchObject({ attempt: 2, conclusion: 'success' })
    expect(await world.log(failed.run.id)).toContain('exit code 1')
    expect(await world.log(newest?.runId ?? '')).toContain('published lib.ep')
  })
})
