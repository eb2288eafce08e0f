/** What a driver needs around it: the machine's Engine, a database, a lease, and a clean end. */
import { randomUUID } from 'node:crypto'
import type { Lease } from '../../../src/core/lease.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import type { Hand, Rollout, ServiceDriver } from '../../../src/deployment/ports.ts'
import { connectDockerHost, type DockerHost } from '../../../src/docker/connect-host.ts'
import { sweepOwned } from '../../../src/docker/sweep.ts'
import { openDatabase, type Database } from '../../../src/store/database.ts'
import { createJobStore } from '../../../src/store/jobs.ts'
import { createServiceStore } from '../../../src/store/services.ts'
import { createTestDatabase } from '../../support/database.ts'
import { keepRepository } from '../../support/repository-rows.ts'

export interface DriverBench {
  readonly host: DockerHost
  readonly db: Database
  readonly instance: string
  /** A new service of its own in the database. */
  service(): Promise<{ readonly id: string; readonly name: string }>
  hand(): Promise<Hand & { readonly notes: string[] }>
  end(): Promise<void>
}

export async function openDriverBench(): Promise<DriverBench> {
  const database = await createTestDatabase()
  const db = openDatabase({ url: database.url }, silentLogger)
  const host = connectDockerHost({ name: 'local', endpoint: 'unix:///var/run/docker.sock' })
  const instance = `test-${randomUUID().slice(0, 8)}`
  await keepRepository(db)
  const services = createServiceStore(db)
  return {
    host,
    db,
    instance,
    async service() {
      const name = `t-${randomUUID().slice(0, 8)}`
      const { id } = await services.keep({
        repositoryId: 1,
        key: name,
        pullRequest: null,
        branch: 'live',
        host: 'local',
        driver: 'swarm',
        name,
        environment: 'production',
        url: null,
        expiresInMs: null,
      })
      return { id, name }
    },
    hand: async () => {
      const notes: string[] = []
      return {
        lease: await takeLease(db),
        signal: new AbortController().signal,
        note: (line) => notes.push(line),
        notes,
      }
    },
    async end() {
      await sweepOwned(host.engine, { instance }, () => false)
      host.close()
      await db.close()
      await database.drop()
    },
  }
}

export async function takeLease(db: Database): Promise<Lease> {
  const jobs = createJobStore(db)
  const kind = `test-${randomUUID()}`
  await jobs.enqueue([{ kind, payload: {} }])
  const [job] = await jobs.claim(randomUUID(), [kind], 1)
  if (job === undefined) throw new Error('no lease')
  return job.lease
}

export function rolloutOf(
  service: { readonly id: string; readonly name: string },
  imageId: string,
  change: Partial<Rollout> = {},
): Rollout {
  return {
    serviceId: service.id,
    name: service.name,
    releaseId: randomUUID(),
    runId: randomUUID(),
    sha: randomUUID().replaceAll('-', '').padEnd(40, '0'),
    image: { imageId, digest: null, host: 'local' },
    port: 8080,
    domains: [`${service.name}.example.com`],
    replicas: 1,
    healthcheck: { path: '/up', intervalMs: 200, timeoutMs: 2_000, deadlineMs: 20_000 },
    env: { LOG: 'info' },
    secrets: {},
    unikernel: null,
    isPreview: true,
    deadlineMs: 20_000,
    ...change,
  }
}

export type DriverUnderTest = (bench: DriverBench) => ServiceDriver
