import { describe, expect, test } from 'vitest'
import { secretOf } from '../../../src/core/secret.ts'
import type { Rollout } from '../../../src/deployment/index.ts'
import { swarmSpec, swarmVerdict, type SwarmService, type SwarmTask } from '../../../src/deployment/swarm-service.ts'

const rollout: Rollout = {
  serviceId: 's',
  name: 'infra_www',
  releaseId: 'r2',
  runId: 'run',
  sha: 'a'.repeat(40),
  image: { imageId: 'sha256:1', digest: 'registry.test/web@sha256:2', host: 'h' },
  port: 8080,
  domains: [],
  replicas: 2,
  healthcheck: null,
  env: { LOG: 'info' },
  secrets: { KEY: secretOf('hush') },
  unikernel: null,
  isPreview: false,
  deadlineMs: 1000,
}
const labels = { 'slipway.service': 's', 'slipway.release': 'r2' }
const isOurs = (given: Readonly<Record<string, string>>) => given['slipway.release'] === 'r2'
const service = (change: Partial<SwarmService> = {}): SwarmService => ({
  id: 'x',
  version: 1,
  spec: swarmSpec(rollout, labels, null, true),
  updateState: null,
  updateMessage: null,
  ...change,
})
const task = (change: Partial<SwarmTask> = {}): SwarmTask => ({
  id: 't',
  labels,
  state: 'running',
  desiredState: 'running',
  error: null,
  exitCode: null,
  createdAt: 1,
  ...change,
})

describe('the specification', () => {
  test('is deployed by digest, start first, with the shortest monitor and our labels on service and tasks', () => {
    const spec = swarmSpec(rollout, labels, null, true)
    expect(spec).toMatchObject({
      Labels: labels,
      TaskTemplate: {
        ContainerSpec: { Image: 'registry.test/web@sha256:2', Env: ['LOG=info', 'KEY=hush'], Labels: labels },
      },
      UpdateConfig: { Order: 'start-first', FailureAction: 'pause' },
    })
  })

  test('stops first only where a host port leaves no other way', () => {
    const spec = swarmSpec(
      rollout,
      labels,
      { ...service().spec, Labels: {}, EndpointSpec: { Ports: [{ PublishMode: 'host' }] } },
      true,
    )
    expect(spec['UpdateConfig']).toMatchObject({ Order: 'stop-first' })
  })

  test('takes back variables that left the file, and keeps those of others', () => {
    const adopted = { ...service().spec, Labels: { 'slipway.env': 'OLD', team: 'a' } }
    const before = {
      ...adopted,
      TaskTemplate: { ...adopted.TaskTemplate, ContainerSpec: { Image: 'i', Env: ['OLD=1', 'THEIRS=2', 'LOG=debug'] } },
    }
    expect(swarmSpec(rollout, labels, before, true).TaskTemplate.ContainerSpec.Env).toEqual([
      'THEIRS=2',
      'LOG=info',
      'KEY=hush',
    ])
  })
})

describe('the verdict', () => {
  const judge = (given: SwarmService, tasks: readonly SwarmTask[]) => swarmVerdict(rollout, given, tasks, isOurs)
  const two = [task({ id: '1' }), task({ id: '2' })]

  test('is success only when all our tasks run and Swarm is done', () => {
    expect(judge(service({ updateState: 'completed' }), two)).toEqual({ kind: 'done' })
    expect(judge(service({ updateState: 'updating' }), two).kind).toBe('pending')
    expect(judge(service(), [task()]).kind).toBe('pending')
    expect(
      judge(
        service({ updateState: 'completed' }),
        two.map((one) => ({ ...one, labels: {} })),
      ).kind,
    ).toBe('pending')
  })

  test('does not need an update state: a change of labels only makes Swarm forget it', () =>
    expect(judge(service(), two)).toEqual({ kind: 'done' }))

  test.each(['rollback_started', 'rollback_completed', 'paused'])('is a failure when Swarm says %s', (updateState) => {
    expect(judge(service({ updateState, updateMessage: 'task t failed' }), two)).toMatchObject({
      kind: 'failed',
      failure: { kind: 'crashed' },
    })
  })

  test('is a failure when somebody put another image or release there', () => {
    const other = service()
    const spec = { ...other.spec, Labels: { 'slipway.release': 'r1' } }
    expect(judge({ ...other, spec }, two)).toMatchObject({ failure: { kind: 'changed_by_others' } })
  })

  test('tells a crash, a missing image and a failing health check apart, and what it waits for', () => {
    const failed = (change: Partial<SwarmTask>) =>
      judge(service(), [task({ state: 'failed', desiredState: 'shutdown', ...change })])
    expect(failed({ error: 'task: non-zero exit (3)', exitCode: 3 })).toMatchObject({
      failure: { kind: 'crashed', exitCode: 3 },
    })
    expect(failed({ state: 'rejected', error: 'No such image: x' })).toMatchObject({
      failure: { kind: 'image_missing' },
    })
    expect(failed({ error: 'unhealthy container' })).toMatchObject({ failure: { kind: 'unhealthy' } })
    expect(judge(service(), [task({ state: 'pending', error: 'no suitable node' })])).toEqual({
      kind: 'pending',
      waitsFor: 'no suitable node',
    })
  })
})
