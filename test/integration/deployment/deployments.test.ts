import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sql } from '../../../src/store/database.ts'
import { askHost } from '../../support/ask-host.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import {
  openDeploymentFixture,
  serviceConfig,
  shaOf,
  type DeploymentFixture,
} from '../../support/deployment-fixture.ts'
import { freePort } from '../../support/free-port.ts'
import { keepRepository } from '../../support/repository-rows.ts'
import { serviceImage } from '../../support/service-images.ts'

let database: TestDatabase
let fixture: DeploymentFixture
let http: number
const ask = (name: string) => askHost(http, `${name}.test`, '/')
const newName = () => `d-${randomUUID().slice(0, 8)}`
const [A, B, C, BAD] = ['a', 'b', 'c', 'bad'].map(shaOf) as [string, string, string, string]

beforeAll(async () => {
  database = await createTestDatabase()
  http = await freePort()
  fixture = await openDeploymentFixture({
    url: database.url,
    instance: `test-${randomUUID().slice(0, 8)}`,
    httpPort: http,
  })
  await keepRepository(fixture.db)
  await fixture.keepImage(A, await serviceImage('good', 'version-a'))
  await fixture.keepImage(B, await serviceImage('good', 'version-b'))
  await fixture.keepImage(C, await serviceImage('good', 'version-c'))
  await fixture.keepImage(BAD, await serviceImage('crash', 'x'))
})
afterAll(async () => {
  await fixture.end()
  await database.drop()
})

const push = (config: ReturnType<typeof serviceConfig>, sha: string) => {
  fixture.dials.head = sha
  return fixture.deploy(config, sha)
}

describe('a push to a live branch', () => {
  test('goes live, then the next one replaces it, and GitHub is told both', async () => {
    const config = serviceConfig(newName())
    const first = await push(config, A)
    expect(first).toMatchObject({
      run: { conclusion: 'success' },
      deployment: { state: 'live' },
      github: { state: 'success' },
    })
    expect(first.check?.output.title).toMatch(/is live on production/)
    expect((await ask(config.name)).body).toBe('version-a\n')
    const second = await push(config, B)
    expect(second).toMatchObject({
      deployment: { state: 'live' },
      github: { state: 'success' },
      check: { conclusion: 'success', buttons: [{ identifier: 'rollback' }] },
    })
    expect((await ask(config.name)).body).toBe('version-b\n')
    expect((await fixture.outcome(first.runId)).github?.state).toBe('inactive')
    expect(second.deployment?.timeline.map((entry) => entry.state)).toEqual([
      'queued',
      'building',
      'publishing',
      'waiting',
      'rolling',
      'baking',
      'live',
    ])
  })

  test('that is no good undoes itself, says why with the last words, and stays back until somebody asks', async () => {
    const config = serviceConfig(newName())
    await push(config, A)
    const bad = await push(config, BAD)
    expect(bad).toMatchObject({
      run: { conclusion: 'failure' },
      deployment: { state: 'rolled_back' },
      github: { state: 'failure' },
    })
    expect(bad.check?.output.title).toContain(`rolled back to ${A.slice(0, 7)}`)
    expect(bad.check?.output.title).toContain('exit code 3')
    expect(bad.check?.output.summary).toContain('cannot read the configuration')
    expect((await ask(config.name)).body).toBe('version-a\n')
    const messages = await fixture.db.rows<{ channel: string }>(
      sql`select channel from notifications where key like ${`%${bad.runId}%`} order by channel`,
    )
    expect(messages.map((message) => message.channel)).toEqual(['slack', 'webhook'])
  })

  test('of a commit that was rolled back does nothing, but a re-run does', async () => {
    const config = serviceConfig(newName())
    await push(config, A)
    await push(config, BAD)
    const service = await fixture.deps.services.find(1, config.key, null)
    expect(service?.heldSha).toBe(BAD)
    await fixture.db.run(
      sql`update settings set value = ${JSON.stringify({ image: await serviceImage('good', 'mended') })}::jsonb where key = ${`image:${BAD}`}`,
    )
    const again = await fixture.deploy(config, BAD, {}, 2)
    expect(again).toMatchObject({ deployment: { state: 'live' } })
    await fixture.db.run(
      sql`update settings set value = ${JSON.stringify({ image: await serviceImage('crash', 'x') })}::jsonb where key = ${`image:${BAD}`}`,
    )
  })

  test('with nothing before it leaves nothing behind when it fails', async () => {
    const config = serviceConfig(newName())
    const bad = await push(config, BAD)
    expect(bad).toMatchObject({ run: { conclusion: 'failure' }, deployment: { state: 'failed' } })
    expect((await ask(config.name)).status).toBe(404)
    expect((await fixture.deps.services.find(1, config.key, null))?.liveReleaseId).toBeNull()
  })

  test('that is older than the head is superseded and touches nothing', async () => {
    const config = serviceConfig(newName())
    await push(config, B)
    fixture.dials.head = B
    const late = await fixture.deploy(config, A)
    expect(late).toMatchObject({ run: { conclusion: 'cancelled' }, deployment: { state: 'superseded' } })
    expect(late.check?.output.title).toContain(`superseded by ${B.slice(0, 12)}`)
    expect((await ask(config.name)).body).toBe('version-b\n')
  })

  test('from a branch that the admin did not allow is refused before anything is touched', async () => {
    fixture.dials.deployBranches = ['other']
    const refused = await push(serviceConfig(newName()), A)
    fixture.dials.deployBranches = ['live']
    expect(refused).toMatchObject({
      run: { conclusion: 'failure', reason: 'not_allowed' },
      deployment: null,
      github: null,
    })
    expect(await fixture.deps.services.find(1, refused.run?.name.slice('deploy/'.length) ?? '', null)).toBeNull()
    expect(refused.check?.output.title).toContain('the branch live may not deploy here')
  })

  test('runs its hooks in the new image, and a failing one stops it before anything changes', async () => {
    const config = serviceConfig(newName())
    await push(config, A)
    const hooks = { preDeploy: ['echo migrating "$STEP"; exit 7'], postDeploy: [] }
    const failed = await push({ ...config, hooks, env: { STEP: 'one' } }, B)
    expect(failed).toMatchObject({
      deployment: { state: 'rolled_back', failure: { kind: 'hook_failed', exitCode: 7, logTail: ['migrating one'] } },
    })
    expect((await ask(config.name)).body).toBe('version-a\n')
  })
})

describe('a deployment waits', () => {
  test('while the service is locked, says for whom and why, and goes on when it is unlocked', async () => {
    const config = serviceConfig(newName())
    await push(config, A)
    const service = await fixture.deps.services.find(1, config.key, null)
    await fixture.deps.services.lock(service?.id ?? '', { by: 'octocat', reason: 'moving house', until: null })
    const waiting = await push(config, B)
    expect(waiting).toMatchObject({ run: { state: 'in_progress' }, deployment: { state: 'waiting' } })
    expect(waiting.check?.output.title).toBe('Waiting: locked by octocat (moving house)')
    await fixture.deps.services.unlock(service?.id ?? '')
    await fixture.upkeep.wake(service?.id ?? '')
    await fixture.workOnce()
    expect(await fixture.outcome(waiting.runId)).toMatchObject({ deployment: { state: 'live' } })
  })

  test('for an approval of exactly this image', async () => {
    const config = serviceConfig(newName())
    fixture.dials.requireApproval = ['production']
    const waiting = await push(config, A)
    expect(waiting.check).toMatchObject({
      status: 'completed',
      conclusion: 'action_required',
      buttons: [{ identifier: 'approve' }, { identifier: 'cancel' }],
    })
    const release = await fixture.deps.releases.get(waiting.deployment?.releaseId ?? '')
    if (release === null) throw new Error('no release')
    await fixture.deps.approvals.approve(1, { ...release.image, imageId: 'sha256:another' }, 'production', 'eve')
    await fixture.upkeep.wake(release.serviceId)
    await fixture.workOnce()
    expect((await fixture.outcome(waiting.runId)).deployment?.state).toBe('waiting')
    await fixture.deps.approvals.approve(1, release.image, 'production', 'octocat')
    await fixture.upkeep.wake(release.serviceId)
    await fixture.workOnce()
    expect((await fixture.outcome(waiting.runId)).deployment?.state).toBe('live')
    expect((await fixture.deps.releases.get(release.id))?.approvedBy).toBe('octocat')
    fixture.dials.requireApproval = []
  })

  test('in a freeze until a person lets it pass', async () => {
    const config = serviceConfig(newName())
    fixture.dials.freeze = [{ cron: '* * * * *', durationMs: 3_600_000, tz: 'UTC', reason: 'the holidays' }]
    const waiting = await push(config, C)
    expect(waiting.check?.output.title).toMatch(/^Waiting: frozen \(the holidays\) until/)
    await fixture.deps.deployments.overrideFreeze(waiting.runId, 'octocat', 'a security fix')
    await fixture.upkeep.wake(waiting.deployment?.serviceId ?? '')
    await fixture.workOnce()
    expect((await fixture.outcome(waiting.runId)).deployment?.state).toBe('live')
    fixture.dials.freeze = []
  })
})
