/**
 * Deployments on real parts (PostgreSQL, the machine's Engine, HAProxy); only the builds are given: the image of a
 * commit is looked up in a table. Used by tests, and by the processes that tests kill.
 */
import { createHash, randomUUID } from 'node:crypto'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import type { Run } from '../../src/core/run.ts'
import type { ServiceConfig } from '../../src/config/repository-config.ts'
import type { ConfirmLevel } from '../../src/config/settings.ts'
import type { FreezeWindow, HostConfig } from '../../src/config/server-config.ts'
import {
  DEPLOYMENT_JOB,
  deploymentJob,
  deploymentName,
  performDeployment,
  type DeployDeps,
  type DeploymentPlan,
} from '../../src/deployment/index.ts'
import { connectDockerHost } from '../../src/docker/connect-host.ts'
import { createContainerDriver } from '../../src/docker/services/container-driver.ts'
import { createHookRunner } from '../../src/docker/services/hook-runner.ts'
import { createImageDelivery } from '../../src/docker/services/image-delivery.ts'
import { createProxyEngine } from '../../src/docker/services/proxy-engine.ts'
import { createSwarmDriver } from '../../src/docker/services/swarm-driver.ts'
import { sweepOwned } from '../../src/docker/sweep.ts'
import { createTrafficProxy } from '../../src/haproxy/traffic-proxy.ts'
import {
  deploymentEnd,
  deploymentLine,
  deploymentProgress,
  deploymentQueued,
  deploymentRefused,
  deploymentWaiting,
  refusalLine,
} from '../../src/report/deployment-words.ts'
import { openDatabase, sql } from '../../src/store/database.ts'
import { createDeploymentApprovals } from '../../src/store/deployment-approvals.ts'
import { createDeploymentUpkeep } from '../../src/store/deployment-upkeep.ts'
import { createDeploymentStore } from '../../src/store/deployments.ts'
import { createJobStore } from '../../src/store/jobs.ts'
import { startNotifications } from '../../src/store/notifications.ts'
import { createProcessStore } from '../../src/store/processes.ts'
import { createRouteStore } from '../../src/store/proxy-routes.ts'
import { createReleaseStore } from '../../src/store/releases.ts'
import { createRunStore } from '../../src/store/runs.ts'
import { createServiceStore } from '../../src/store/services.ts'

export interface FixtureSettings {
  readonly url: string
  readonly instance: string
  readonly httpPort: number
}

/** What a test may turn while it goes. */
export interface Dials {
  confirm: ConfirmLevel
  freeze: FreezeWindow[]
  requireApproval: string[]
  deployBranches: string[]
  /** The head of the live branch. */
  head: string | null
}

export const HOST: HostConfig = {
  name: 'local',
  endpoint: { kind: 'unix', path: '/var/run/docker.sock' },
  platforms: ['linux/amd64'],
  proxy: { image: 'haproxy:lts', http: 8080, https: null, certificates: null },
  unikernel: null,
  builds: true,
  deploys: true,
  maxConcurrent: 2,
}

export type DeploymentFixture = Awaited<ReturnType<typeof openDeploymentFixture>>

export async function openDeploymentFixture({ url, instance, httpPort }: FixtureSettings) {
  const db = openDatabase({ url }, silentLogger)
  const notifications = await startNotifications(db, silentLogger)
  const host = connectDockerHost({ name: 'local', endpoint: 'unix:///var/run/docker.sock' })
  const routes = createRouteStore(db)
  const proxy = createTrafficProxy(
    createProxyEngine(host.engine, instance),
    { image: 'haproxy:lts', http: httpPort, https: null, certificates: null },
    () => routes.list('local'),
  )
  const container = createContainerDriver(host.engine, { instance, proxy, routes, drainLimitMs: 5_000 })
  const swarm = createSwarmDriver(host.engine, { instance, logins: {}, ingressWorks: () => Promise.resolve(undefined) })
  const engineOf = () => host.engine
  const dials: Dials = { confirm: 'none', freeze: [], requireApproval: [], deployBranches: ['live'], head: null }
  const log: string[] = []
  const deps: DeployDeps = {
    runs: createRunStore(db, notifications),
    services: createServiceStore(db),
    releases: createReleaseStore(db),
    deployments: createDeploymentStore(db),
    approvals: createDeploymentApprovals(db),
    images: {
      async ensureImage({ sha }) {
        const row = await db.first<{ value: { image: string } }>(
          sql`select value from settings where key = ${`image:${sha}`}`,
        )
        return { imageId: row?.value.image ?? '', digest: null, host: 'local' }
      },
      resolveImage: (ref) => Promise.resolve({ imageId: ref, digest: null, host: 'local' }),
    },
    delivery: createImageDelivery({ engineOf, instance, logins: () => ({}) }),
    driverOf: (_host, kind) => (kind === 'swarm' ? swarm : container),
    hooks: createHookRunner(engineOf, instance),
    secrets: { pin: () => Promise.resolve({}), open: () => Promise.resolve({}) },
    headOf: () => Promise.resolve(dials.head),
    policyOf: () =>
      Promise.resolve({
        freeze: dials.freeze,
        requireApproval: dials.requireApproval,
        deployBranches: dials.deployBranches,
        deployHosts: ['local'],
      }),
    hosts: () => [HOST],
    confirm: () => dials.confirm,
    openLog: () =>
      Promise.resolve({
        note: (line) => log.push(`${new Date().toISOString()} ${line}`),
        close: () => Promise.resolve(),
      }),
    detailsUrl: (runId) => `http://localhost:3000/runs/${runId}`,
    clock: systemClock,
    words: {
      progress: deploymentProgress,
      waiting: deploymentWaiting,
      end: deploymentEnd,
      oneLine: deploymentLine,
      refusal: refusalLine,
      refused: deploymentRefused,
    },
  }
  const jobs = createJobStore(db)
  const processId = randomUUID()

  /** Does the jobs that are ready; `wait`ing ones stay for later. */
  async function workOnce(with_: DeployDeps = deps): Promise<number> {
    const claimed = await jobs.claim(processId, [DEPLOYMENT_JOB], 5)
    for (const job of claimed) {
      const run = await deps.runs.get(String(job.payload['runId']))
      if (run === null) throw new Error('no run')
      const outcome = await performDeployment(with_, { run, lease: job.lease, signal: new AbortController().signal })
      if (outcome.kind === 'wait') await jobs.retry(job.lease, outcome.delayMs, outcome.cause, false)
      else await jobs.complete(job.lease)
    }
    return claimed.length
  }

  return {
    db,
    deps,
    dials,
    routes,
    proxy,
    host,
    log,
    jobs,
    upkeep: createDeploymentUpkeep(db),
    workOnce,
    queuedCheck: deploymentQueued,
    /** Gives what killed processes held back to the queue. */
    reap: () => createProcessStore(db).reap([], null, 99),
    async keepImage(sha: string, imageId: string) {
      await db.run(
        sql`insert into settings (key, value) values (${`image:${sha}`}, ${JSON.stringify({ image: imageId })}::jsonb)`,
      )
    },
    async createRun(
      config: ServiceConfig,
      sha: string,
      change: Partial<DeploymentPlan> = {},
      attempt = 1,
    ): Promise<Run> {
      const { key, branch, host, driver, name, environment, url } = config
      const service = {
        repositoryId: 1,
        key,
        pullRequest: null,
        branch,
        host,
        driver,
        name,
        environment,
        url,
        expiresInMs: null,
      }
      const plan: DeploymentPlan = {
        service,
        target: { kind: 'commit', config, image: IMAGE, treeSha: null },
        askedBy: null,
        tellsSlack: true,
        ...change,
      }
      const [run] = await deps.runs.create([
        {
          repositoryId: 1,
          sha,
          name: deploymentName(config.key, null),
          attempt,
          kind: 'deployment',
          source: {
            event: 'push',
            trust: 'trusted',
            ref: 'refs/heads/live',
            branch: 'live',
            tag: null,
            pullRequest: null,
            actor: 'dev',
          },
          groupId: randomUUID(),
          supersedeKey: null,
          plan,
          timeoutMs: 600_000,
          report: deploymentQueued(config.key),
          story: 'a push',
          job: deploymentJob(service),
        },
      ])
      if (run === undefined) throw new Error('the run exists')
      return run
    },
    async deploy(config: ServiceConfig, sha: string, change: Partial<DeploymentPlan> = {}, attempt = 1) {
      const run = await this.createRun(config, sha, change, attempt)
      await workOnce()
      return this.outcome(run.id)
    },
    async outcome(runId: string) {
      const [run, deployment] = [await deps.runs.get(runId), await deps.deployments.get(runId)]
      const report = await db.first<{
        desired: {
          status: string
          conclusion: string | null
          output: { title: string; summary: string }
          buttons: { identifier: string }[]
        }
      }>(sql`select desired from check_reports where run_id = ${runId}`)
      const github = await db.first<{ desired: { state: string; description: string } }>(
        sql`select desired from deployment_reports where run_id = ${runId}`,
      )
      return { runId, run, deployment, check: report?.desired ?? null, github: github?.desired ?? null }
    },
    async end({ keepObjects = false } = {}) {
      if (!keepObjects) await sweepOwned(host.engine, { instance }, () => false)
      host.close()
      await notifications.stop()
      await db.close()
    },
  }
}

const IMAGE = {
  key: 'web',
  dockerfile: 'Dockerfile',
  context: '.',
  platforms: ['linux/amd64'],
  target: null,
  args: {},
  includeGit: false,
  timeoutMs: 60_000,
  publish: [],
}

export function serviceConfig(name: string, change: Partial<ServiceConfig> = {}): ServiceConfig {
  return {
    key: name,
    image: { kind: 'built', key: 'web' },
    branch: 'live',
    host: 'local',
    driver: 'container',
    name,
    environment: 'production',
    url: `http://${name}.test`,
    port: 8080,
    domains: [`${name}.test`],
    replicas: 1,
    healthcheck: { path: '/up', intervalMs: 200, timeoutMs: 2_000, deadlineMs: 5_000 },
    bakeMs: 500,
    env: {},
    secrets: [],
    hooks: { preDeploy: [], postDeploy: [] },
    preview: null,
    unikernel: null,
    ...change,
  }
}

export function shaOf(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}
