import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { requestRollback } from '../../../src/deployment/index.ts'
import { containersOf } from '../../../src/docker/services/container-calls.ts'
import { askHost } from '../../support/ask-host.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import {
  openDeploymentFixture,
  serviceConfig,
  shaOf,
  type DeploymentFixture,
  type FixtureSettings,
} from '../../support/deployment-fixture.ts'
import { freePort } from '../../support/free-port.ts'
import { keepRepository } from '../../support/repository-rows.ts'
import { startLoad } from '../../support/load-loop.ts'
import { busyServerImage } from '../../support/service-images.ts'

let database: TestDatabase
let fixture: DeploymentFixture
let settings: FixtureSettings
const [A, B, C] = ['busy-a', 'busy-b', 'busy-c'].map(shaOf) as [string, string, string]
const config = serviceConfig(`busy-${randomUUID().slice(0, 8)}`, { bakeMs: 300, replicas: 2 })
const domain = config.domains[0] ?? ''

beforeAll(async () => {
  database = await createTestDatabase()
  settings = { url: database.url, instance: `test-${randomUUID().slice(0, 8)}`, httpPort: await freePort() }
  fixture = await openDeploymentFixture(settings)
  await keepRepository(fixture.db)
  for (const [sha, version] of [
    [A, 'a'],
    [B, 'b'],
    [C, 'c'],
  ] as const)
    await fixture.keepImage(sha, await busyServerImage(version))
  expect(await fixture.deploy(config, A)).toMatchObject({ deployment: { state: 'live' } })
})
afterAll(async () => {
  await fixture.end()
  await database.drop()
})

test('no request is lost by a deployment, a rollback, and a kill -9 in the middle of the next', async () => {
  const stop = startLoad(settings.httpPort, domain)
  expect(await fixture.deploy(config, B)).toMatchObject({ deployment: { state: 'live' } })

  const service = await fixture.deps.services.find(1, config.key, null)
  if (service === null) throw new Error('no service')
  const back = await requestRollback(
    { ...fixture.deps, upkeep: fixture.upkeep, newId: randomUUID, queuedCheck: fixture.queuedCheck },
    service,
    { to: null, by: 'octocat', force: false },
  )
  await fixture.workOnce()
  expect(await fixture.outcome(back.id)).toMatchObject({
    deployment: { state: 'live' },
    run: { sha: A, conclusion: 'success' },
  })
  expect((await fixture.deps.services.get(service.id))?.heldSha).toBe(B)

  const run = await fixture.createRun(config, C)
  const script = fileURLToPath(new URL('../../support/deploying-process.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(settings), 'note:requests go to'], {
    stdio: 'inherit',
  })
  expect((await once(child, 'exit'))[1]).toBe('SIGKILL')
  await fixture.reap()
  await fixture.workOnce()
  expect(await fixture.outcome(run.id)).toMatchObject({ deployment: { state: 'live' } })

  const { total, lost, versions } = await stop()
  expect(lost).toEqual([])
  expect(total).toBeGreaterThan(100)
  expect([...versions].toSorted()).toEqual(['a', 'b', 'c'])
})

test('an upgraded connection lives on while its release is replaced', async () => {
  const socket = connect(settings.httpPort, '127.0.0.1')
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: ${domain}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
  )
  expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 101/)
  const run = await fixture.createRun(config, A, {}, 5)
  const working = fixture.workOnce()
  await expect.poll(async () => (await fixture.outcome(run.id)).deployment?.state, { timeout: 60_000 }).toBe('live')
  socket.write('still here')
  expect(String((await once(socket, 'data'))[0])).toBe('still here')
  socket.destroy()
  await working
})

test('the control loses: containers that are simply killed are missed', async () => {
  const service = await fixture.deps.services.find(1, config.key, null)
  const stop = startLoad(settings.httpPort, domain)
  for (const container of await containersOf(fixture.host.engine, settings.instance, service?.id ?? '')) {
    await fixture.host.engine.call({ method: 'POST', path: `/containers/${container.id}/kill` })
  }
  await expect
    .poll(async () => (await askHost(settings.httpPort, domain, '/')).status, { timeout: 60_000 })
    .not.toBe(200)
  expect((await stop()).lost.length).toBeGreaterThan(0)
})
