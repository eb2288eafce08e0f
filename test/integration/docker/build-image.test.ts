import { afterAll, describe, expect, it } from 'vitest'
import { buildContext } from '../../../src/docker/build-context.ts'
import { buildImage } from '../../../src/docker/build-image.ts'
import type { ImageBuild, ImageBuildResult } from '../../../src/docker/build-image.ts'
import type { BuildEvent } from '../../../src/docker/build-events.ts'
import { inspectImage } from '../../../src/docker/images.ts'
import { dockerSandbox } from './fixture.ts'
import { testRepository } from './repository.ts'

const sandbox = dockerSandbox()
const repository = testRepository()
const { engine } = sandbox.host
afterAll(async () => {
  repository.dispose()
  await sandbox.dispose()
})

/** Makes the layers of each test its own, so that nothing is cached from elsewhere. */
const unique = `${sandbox.instance}-${Date.now()}`

interface Built {
  readonly result: ImageBuildResult
  readonly events: readonly BuildEvent[]
  readonly output: string
}

async function build(
  builder: 'buildkit' | 'classic',
  files: Readonly<Record<string, string>>,
  more: Partial<ImageBuild> = {},
  control: { signal?: AbortSignal; deadlineMs?: number; onEvent?: (event: BuildEvent) => void } = {},
): Promise<Built> {
  const commit = await repository.commit(files)
  const context = await buildContext(commit, {
    dockerfile: 'Dockerfile',
    context: '.',
    includeGit: false,
    args: more.args ?? {},
    platform: 'linux/amd64',
  })
  if (context.kind !== 'ready') throw new Error(context.message)
  const events: BuildEvent[] = []
  const result = await buildImage(
    engine,
    {
      dockerfile: context.dockerfile,
      dockerfileText: context.dockerfileText,
      openContext: context.open,
      builder,
      allowFrontends: true,
      labels: sandbox.labels('image', { run: 'r1' }),
      ...more,
    },
    {
      emit: (event) => {
        events.push(event)
        control.onEvent?.(event)
      },
      signal: control.signal,
      deadlineMs: control.deadlineMs ?? 60_000,
    },
  )
  const output = events
    .map((event) => (event.kind === 'output' ? `${event.stream}: ${event.bytes.toString('utf8')}` : ''))
    .join('')
  return { result, events, output }
}

describe.each(['buildkit', 'classic'] as const)('an image build by %s', (builder) => {
  const app = (body: string): Record<string, string> => ({
    Dockerfile: `FROM busybox:latest AS base\n# ${unique} ${builder}\n${body}`,
    file: 'content',
  })

  it('gives an image with our labels and tells its steps and output', async () => {
    const tag = `slipway-test/${sandbox.instance}:${builder}`
    const { result, events, output } = await build(
      builder,
      app(`ARG WHO\nRUN echo "hello $WHO ${unique}" && \\\n    echo "to stderr" >&2\nCOPY file /file\n`),
      { args: { WHO: 'world' }, tags: [tag] },
    )
    expect(result).toMatchObject({ kind: 'built', imageId: expect.stringMatching(/^sha256:/) })
    expect(output).toContain(`stdout: hello world ${unique}\n`)
    expect(output).toContain('stderr: to stderr\n')
    const image = await inspectImage(engine, tag)
    expect(image).toMatchObject({
      id: result.kind === 'built' ? result.imageId : '',
      labels: { 'slipway.instance': sandbox.instance, 'slipway.run': 'r1' },
    })
    const started = events.filter((event) => event.kind === 'step_started').length
    expect(events.filter((event) => event.kind === 'step_finished').length).toBe(started)
    const steps = result.kind === 'built' ? result.steps : []
    expect(steps.find((step) => step.name.includes('RUN echo'))).toMatchObject({
      cached: false,
      failed: false,
      lines: { start: 4, end: 5 },
    })
  })

  it('says which steps it took from its cache', async () => {
    const files = app(`RUN echo cached ${unique}\n`)
    await build(builder, files)
    const { result } = await build(builder, files)
    expect(result.kind === 'built' && result.steps.find((step) => step.name.includes('RUN'))).toMatchObject({
      cached: true,
    })
  })

  it('names the failing step, its lines and its exit code', async () => {
    const { result, output } = await build(
      builder,
      app(`RUN true\nFROM base\nWORKDIR /x\nRUN echo ${unique}; \\\n  echo "cannot find it" >&2; \\\n  exit 7\n`),
    )
    expect(result).toMatchObject({
      kind: 'failed',
      reason: 'command',
      exitCode: 7,
      lines: { start: 6, end: 8 },
      step: expect.stringContaining('exit 7'),
    })
    expect(output).toContain('stderr: cannot find it\n')
  })

  it.each([
    ['an instruction that does not exist', 'RUNN echo\n', 'dockerfile', { start: 3, end: 3 }],
    ['a file that is not there', 'COPY missing-file /\n', 'missing_source', { start: 3, end: 3 }],
  ])('explains %s', async (_case, body, reason, lines) => {
    expect((await build(builder, app(body))).result).toMatchObject({ kind: 'failed', reason, lines })
  })

  it('explains a base image that cannot be had', async () => {
    const { result } = await build(builder, {
      Dockerfile: 'FROM busybox:latest AS one\nFROM 127.0.0.1:1/no/such:image\n',
    })
    expect(result).toMatchObject({ kind: 'failed', reason: 'registry_unreachable', lines: { start: 2, end: 2 } })
  })

  it('explains a target that is not there', async () => {
    expect((await build(builder, app('RUN true\n'), { target: 'nowhere' })).result).toMatchObject({
      kind: 'failed',
      reason: 'unknown_target',
    })
  })

  it('ends the running step when it is aborted', async () => {
    const controller = new AbortController()
    const onEvent = (event: BuildEvent): void => {
      if (event.kind === 'output' && event.bytes.includes('running')) controller.abort()
    }
    const { result } = await build(
      builder,
      app(`RUN echo running ${unique}; sleep 300\n`),
      {},
      { signal: controller.signal, onEvent },
    )
    expect(result).toEqual({ kind: 'aborted' })
  })

  it('ends at its deadline and says where it stood', async () => {
    const { result } = await build(builder, app(`RUN echo deadline ${unique}; sleep 301\n`), {}, { deadlineMs: 3000 })
    expect(result).toMatchObject({ kind: 'timed_out', step: expect.stringContaining('sleep 301') })
  })

  it('does not run a frontend of the author where that is not allowed', async () => {
    const { result } = await build(
      builder,
      { Dockerfile: `# syntax=127.0.0.1:1/evil/frontend\nFROM busybox\n` },
      { allowFrontends: false },
    )
    expect(result).toMatchObject({ kind: 'failed', reason: 'frontend_refused', lines: { start: 1, end: 1 } })
  })
})

describe('an image build', () => {
  it('says that a frontend cannot be fetched', async () => {
    const { result } = await build('buildkit', { Dockerfile: `# syntax=127.0.0.1:1/some/frontend\nFROM busybox\n` })
    expect(result).toMatchObject({ kind: 'failed', reason: 'frontend', lines: { start: 1, end: 1 } })
  })

  it('keeps the network away where it is told so', async () => {
    const { output } = await build(
      'buildkit',
      { Dockerfile: `FROM busybox\nRUN echo ${unique}; ls /sys/class/net\n` },
      { network: 'none' },
    )
    expect(output).toContain('stdout: lo\n')
    expect(output).not.toContain('eth0')
  })
})
