/** Deployments: how soon a new task runs after its image is ready, how soon the former one is back, and what is lost meanwhile. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { silentLogger } from '../src/core/logger.ts'
import { requestRollback } from '../src/deployment/index.ts'
import type { SwarmSpec } from '../src/deployment/swarm-service.ts'
import type { DockerEngine } from '../src/docker/engine.ts'
import {
  createService,
  findService,
  removeService,
  tasksOf,
  updateService,
} from '../src/docker/services/swarm-calls.ts'
import { startEmbeddedPostgres } from '../src/store/embedded/embedded-postgres.ts'
import { migrate } from '../src/store/migrate.ts'
import { openDeploymentFixture, serviceConfig, type DeploymentFixture } from '../test/support/deployment-fixture.ts'
import { freePort } from '../test/support/free-port.ts'
import { startLoad } from '../test/support/load-loop.ts'
import { keepRepository } from '../test/support/repository-rows.ts'
import { busyServerImage, serviceImage } from '../test/support/service-images.ts'
import { ensureSwarm } from '../test/support/swarm.ts'
import { median, type BenchGroup, type BenchRow } from './support/bench-row.ts'

const ROUNDS = 7
/** Between two looks at the tasks, for us and for the floor alike. */
const LOOK_MS = 10
const PATIENCE_MS = 60_000

export const deploy: BenchGroup = {
  name: 'deploy',
  async run() {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'))
    const database = await startEmbeddedPostgres({ dataDir: folder, logger: silentLogger })
    await migrate({ url: database.url }, silentLogger)
    await ensureSwarm()
    const httpPort = await freePort()
    const fixture = await openDeploymentFixture({
      url: database.url,
      instance: `bench-${randomUUID().slice(0, 8)}`,
      httpPort,
    })
    try {
      await keepRepository(fixture.db)
      return [...(await swarmRows(fixture)), await lostRow(fixture, httpPort)]
    } finally {
      await fixture.end()
      await database.stop()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function swarmRows(fixture: DeploymentFixture): Promise<readonly BenchRow[]> {
  const { engine } = fixture.host
  const images = [await serviceImage('good', 'bench-one'), await serviceImage('good', 'bench-two')]
  const name = `bench-${randomUUID().slice(0, 8)}`
  const config = serviceConfig(name, { driver: 'swarm', domains: [], port: null, healthcheck: null, bakeMs: 0 })
  const floors: number[] = []
  const deploys: number[] = []
  const rollbacks: number[] = []
  const floorName = `${name}-floor`
  await createService(engine, floorSpec(floorName, images[0] ?? '', '0'), {})
  try {
    for (let round = 0; round <= ROUNDS; round += 1) {
      const floor = await floorUpdate(engine, floorName, images[round % 2] ?? '', String(round + 1))
      const sha = createHash('sha1').update(`${name}-${round}`).digest('hex')
      await fixture.keepImage(sha, images[round % 2] ?? '')
      const forward = await timed(fixture, name, async () => (await fixture.createRun(config, sha)).id)
      if (round === 0) continue
      const back = await timed(
        fixture,
        name,
        async () =>
          (
            await requestRollback(
              { ...fixture.deps, upkeep: fixture.upkeep, newId: randomUUID, queuedCheck: fixture.queuedCheck },
              await serviceOf(fixture, name),
              { to: null, by: 'bench', force: true },
            )
          ).id,
      )
      floors.push(floor)
      deploys.push(forward)
      rollbacks.push(back)
    }
  } finally {
    for (const service of [name, floorName]) {
      const found = await findService(engine, service)
      if (found !== null) await removeService(engine, found.id)
    }
  }
  return [
    row('deploy: image ready → new task running', median(deploys), median(floors)),
    row('rollback: asked → former release running', median(rollbacks), median(floors)),
  ]
}

async function serviceOf(fixture: DeploymentFixture, name: string) {
  const service = await fixture.deps.services.find(1, name, null)
  if (service === null) throw new Error('the service is gone')
  return service
}

/** From the moment the image is ready (for a rollback: was asked for) until a task of the release runs. */
async function timed(fixture: DeploymentFixture, name: string, begin: () => Promise<string>): Promise<number> {
  const { engine } = fixture.host
  await untilQuiet(engine, name)
  const runId = await begin()
  let ready = performance.now()
  const { images } = fixture.deps
  const work = fixture.workOnce({
    ...fixture.deps,
    images: {
      ...images,
      async ensureImage(...wanted) {
        const image = await images.ensureImage(...wanted)
        ready = performance.now()
        return image
      },
    },
  })
  await untilRuns(engine, name, (labels) => labels['slipway.deployment'] === runId)
  const took = performance.now() - ready
  await work
  return took
}

async function floorUpdate(engine: DockerEngine, name: string, image: string, mark: string): Promise<number> {
  await untilQuiet(engine, name)
  const found = await findService(engine, name)
  if (found === null) throw new Error('the floor service is gone')
  const started = performance.now()
  await updateService(engine, found, floorSpec(name, image, mark), {})
  await untilRuns(engine, name, (labels) => labels['mark'] === mark)
  return performance.now() - started
}

function floorSpec(name: string, image: string, mark: string): SwarmSpec {
  const labels = { mark, bench: 'floor' }
  return {
    Name: name,
    Labels: labels,
    TaskTemplate: { ContainerSpec: { Image: image, Labels: labels } },
    Mode: { Replicated: { Replicas: 1 } },
    UpdateConfig: { Parallelism: 1, Order: 'start-first', Monitor: 1_000_000, FailureAction: 'pause' },
  }
}

/** Until the tasks of the update before have ended: Docker is slower while it stops containers. */
async function untilQuiet(engine: DockerEngine, name: string): Promise<void> {
  const ended = ['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned']
  const deadline = performance.now() + PATIENCE_MS
  while (performance.now() < deadline) {
    const service = await findService(engine, name)
    const tasks = service === null ? [] : await tasksOf(engine, service.id)
    if (tasks.filter((task) => !ended.includes(task.state)).length <= 1) return
    await delay(LOOK_MS)
  }
}

async function untilRuns(
  engine: DockerEngine,
  name: string,
  isWanted: (labels: Readonly<Record<string, string>>) => boolean,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (performance.now() < deadline) {
    const service = await findService(engine, name)
    const tasks = service === null ? [] : await tasksOf(engine, service.id)
    if (tasks.some((task) => task.state === 'running' && isWanted(task.labels))) return
    await delay(LOOK_MS)
  }
  throw new Error(`no task of ${name} runs`)
}

/** A deployment and a rollback under load, half of it on kept connections. */
async function lostRow(fixture: DeploymentFixture, httpPort: number): Promise<BenchRow> {
  const config = serviceConfig(`bench-${randomUUID().slice(0, 8)}`, { bakeMs: 200 })
  const shas = ['one', 'two'].map((version) => createHash('sha1').update(`${config.name}-${version}`).digest('hex'))
  for (const sha of shas) await fixture.keepImage(sha, await busyServerImage(sha.slice(0, 7)))
  await fixture.deploy(config, shas[0] ?? '')
  const stop = startLoad(httpPort, config.domains[0] ?? '')
  await fixture.deploy(config, shas[1] ?? '')
  await requestRollback(
    { ...fixture.deps, upkeep: fixture.upkeep, newId: randomUUID, queuedCheck: fixture.queuedCheck },
    await serviceOf(fixture, config.name),
    { to: null, by: 'bench', force: true },
  )
  await fixture.workOnce()
  const { total, lost } = await stop()
  return {
    name: `requests lost of ${total} while a container service is replaced twice`,
    value: lost.length,
    floor: null,
    ratio: lost.length,
    goal: '0',
    pass: lost.length === 0 && total > 0,
    unit: 'requests',
  }
}

function row(name: string, value: number, floor: number): BenchRow {
  const ratio = value / floor
  return { name, value, floor, ratio, goal: 'at most 1.15', pass: ratio <= 1.15, unit: 'ms' }
}
