import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { containersOf } from '../../../src/docker/services/container-calls.ts'
import { findService, tasksOf } from '../../../src/docker/services/swarm-calls.ts'
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
import { serviceImage } from '../../support/service-images.ts'
import { ensureSwarm } from '../../support/swarm.ts'

let database: TestDatabase
let fixture: DeploymentFixture
let settings: FixtureSettings
const [A, B, BAD] = ['killed-a', 'killed-b', 'killed-bad'].map(shaOf) as [string, string, string]

beforeAll(async () => {
  database = await createTestDatabase()
  settings = { url: database.url, instance: `test-${randomUUID().slice(0, 8)}`, httpPort: await freePort() }
  fixture = await openDeploymentFixture(settings)
  await keepRepository(fixture.db)
  await fixture.keepImage(A, await serviceImage('good', 'version-a'))
  await fixture.keepImage(B, await serviceImage('good', 'version-b'))
  await fixture.keepImage(BAD, await serviceImage('crash', 'x'))
})
afterAll(async () => {
  await fixture.end()
  await database.drop()
})

/** Runs the queue in a process of its own until that kills itself. */
function workUntilKilled(dieAt: string): Promise<NodeJS.Signals | null> {
  const script = fileURLToPath(new URL('../../support/deploying-process.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(settings), dieAt], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (_code, signal) => resolve(signal))
  })
}

describe('kill -9 of the process that deploys', () => {
  test.each(['building', 'waiting', 'rolling', 'note:started', 'note:requests go to', 'baking', 'live'])(
    'a container service at %s: the next process ends it with one version live and nothing left over',
    async (dieAt) => {
      const config = serviceConfig(`k-${randomUUID().slice(0, 8)}`, { bakeMs: 200 })
      await fixture.deploy(config, A)
      const run = await fixture.createRun(config, B)
      expect(await workUntilKilled(dieAt)).toBe('SIGKILL')
      expect((await askHost(settings.httpPort, `${config.name}.test`, '/')).status).toBe(200)
      await fixture.reap()
      await fixture.workOnce()
      const { deployment, run: ended, github } = await fixture.outcome(run.id)
      expect({ state: deployment?.state, conclusion: ended?.conclusion, github: github?.state }).toEqual({
        state: 'live',
        conclusion: 'success',
        github: 'success',
      })
      expect((await askHost(settings.httpPort, `${config.name}.test`, '/')).body).toBe('version-b\n')
      const containers = await containersOf(fixture.host.engine, settings.instance, deployment?.serviceId ?? '')
      expect(containers.map((container) => container.releaseId)).toEqual([deployment?.releaseId])
    },
  )

  test('on the way back: the next process brings the former release back', async () => {
    const config = serviceConfig(`k-${randomUUID().slice(0, 8)}`)
    await fixture.deploy(config, A)
    const run = await fixture.createRun(config, BAD)
    expect(await workUntilKilled('rolling/back')).toBe('SIGKILL')
    await fixture.reap()
    await fixture.workOnce()
    expect(await fixture.outcome(run.id)).toMatchObject({
      deployment: { state: 'rolled_back' },
      run: { conclusion: 'failure' },
    })
    expect((await askHost(settings.httpPort, `${config.name}.test`, '/')).body).toBe('version-a\n')
  })

  test('a Swarm service after its update was sent: the next process watches it and sends none of its own', async () => {
    await ensureSwarm()
    const config = serviceConfig(`k-${randomUUID().slice(0, 8)}`, {
      driver: 'swarm',
      domains: [],
      bakeMs: 200,
      port: null,
      healthcheck: null,
    })
    await fixture.deploy(config, A)
    const run = await fixture.createRun(config, B)
    expect(await workUntilKilled('note:updated')).toBe('SIGKILL')
    const sent = await findService(fixture.host.engine, config.name)
    await fixture.reap()
    await fixture.workOnce()
    expect(await fixture.outcome(run.id)).toMatchObject({
      deployment: { state: 'live' },
      run: { conclusion: 'success' },
    })
    const service = await findService(fixture.host.engine, config.name)
    expect(service?.spec).toEqual(sent?.spec)
    const tasks = await tasksOf(fixture.host.engine, service?.id ?? '')
    const releases = new Set(tasks.map((task) => task.labels['slipway.release']))
    expect(releases.size).toBe(2)
    if (service !== null) await fixture.host.engine.call({ method: 'DELETE', path: `/services/${service.id}` })
  })
})
