import { afterAll, describe, expect, it } from 'vitest'
import type { LogPosition } from '../../../src/docker/container-logs.ts'
import type { ContainerSpec } from '../../../src/docker/container-options.ts'
import { inspectContainer } from '../../../src/docker/container-state.ts'
import { adoptContainer, createContainer, startContainer } from '../../../src/docker/run-container.ts'
import { removeContainer, stopContainer } from '../../../src/docker/stop-container.ts'
import { collectOutput, dockerSandbox } from './fixture.ts'

const sandbox = dockerSandbox()
const { engine } = sandbox.host
afterAll(() => sandbox.dispose())

async function created(spec: ContainerSpec): Promise<string> {
  const result = await createContainer(engine, spec)
  if (result.kind !== 'created') throw new Error(JSON.stringify(result))
  return result.id
}

async function run(spec: ContainerSpec) {
  const output = collectOutput()
  const id = await created(spec)
  const end = await startContainer(engine, id, output.sink)
  await removeContainer(engine, id)
  return { end, output }
}

/** Starts without following, as a process does that is killed right after. */
async function startAndForget(spec: ContainerSpec): Promise<string> {
  const id = await created(spec)
  await engine.call({ method: 'POST', path: `/containers/${id}/start` })
  return id
}

async function untilExited(id: string): Promise<void> {
  await engine.call({ method: 'POST', path: `/containers/${id}/wait` }, { timeoutMs: 0 })
}

describe('a container', () => {
  it('ends with its exit code and everything it printed, streams apart', async () => {
    const { end, output } = await run(sandbox.script('echo out; echo err >&2; printf "\\377\\000tail"; exit 7'))
    expect(end).toMatchObject({ kind: 'exited', exitCode: 7, oomKilled: false, logsExact: true, hostWasAway: false })
    expect(output.bytes('stdout')).toEqual(
      Buffer.concat([Buffer.from('out\n'), Buffer.from([0xff, 0]), Buffer.from('tail')]),
    )
    expect(output.text('stderr')).toBe('err\n')
  })

  it('loses nothing of a long output', async () => {
    const { end, output } = await run(sandbox.script('yes 0123456789 | head -n 500000'))
    expect(end).toMatchObject({ kind: 'exited', exitCode: 0 })
    expect(output.bytes('stdout').length).toBe(500_000 * 11)
  })

  it('has no rights, no network and its limits', async () => {
    const script =
      'grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; ls /sys/class/net; cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null'
    const { output } = await run(sandbox.script(script))
    expect(output.text('stdout').replace(/[\t ]+/g, ' ')).toBe(
      ['CapEff: 0000000000000000', 'CapBnd: 0000000000000000', 'NoNewPrivs: 1', 'Seccomp: 2', 'lo', '64', ''].join(
        '\n',
      ),
    )
  })

  it('says when memory ended it', async () => {
    const { end } = await run(
      sandbox.script('exec tail /dev/zero', { resources: { memoryBytes: 16 * 1024 * 1024, cpus: 1, pids: 32 } }),
    )
    expect(end).toMatchObject({ kind: 'exited', exitCode: 137, oomKilled: true })
  })

  it('holds a fork bomb', async () => {
    const { end, output } = await run(
      sandbox.script('for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done; wait', {
        resources: { memoryBytes: 64 * 1024 * 1024, cpus: 1, pids: 8 },
      }),
    )
    expect(end).toMatchObject({ kind: 'exited' })
    expect(output.text('stderr')).toContain("can't fork")
  })

  it('that cannot start is an error of its own, not an exit code', async () => {
    const { end } = await run(sandbox.script('', { command: ['/no/such/program'] }))
    expect(end).toMatchObject({ kind: 'start_failed', message: expect.stringContaining('/no/such/program') })
  })

  it('is not created from an image that is not there, or with a runtime the host does not have', async () => {
    expect(await createContainer(engine, sandbox.script('true', { image: 'slipway-test/none:1' }))).toEqual({
      kind: 'missing_image',
      image: 'slipway-test/none:1',
    })
    expect(await createContainer(engine, sandbox.script('true', { runtime: 'no-such-runtime' }))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('no-such-runtime'),
    })
  })

  it('is created once under one name', async () => {
    const name = sandbox.name('once')
    expect((await createContainer(engine, sandbox.script('true'), name)).kind).toBe('created')
    expect((await createContainer(engine, sandbox.script('true'), name)).kind).toBe('name_taken')
  })

  it('does not take labels of somebody else', async () => {
    await expect(createContainer(engine, sandbox.script('true', { labels: {} }))).rejects.toThrow('labels')
  })
})

describe('cancelling', () => {
  it('ends a whole tree of processes politely, then by force, and proves it', async () => {
    const id = await created(
      sandbox.script('trap "" TERM; (setsid sleep 1000 &); echo ready; while true; do sleep 1; done'),
    )
    const controller = new AbortController()
    const end = startContainer(engine, id, () => controller.abort(), { signal: controller.signal, graceMs: 1000 })
    expect(await end).toEqual({ kind: 'cancelled' })
    expect((await inspectContainer(engine, id))?.running).toBe(false)
    expect(await stopContainer(engine, id)).toEqual({ kind: 'gone' })
    expect(await stopContainer(engine, id)).toEqual({ kind: 'gone' })
  })

  it('lets a process that listens to SIGTERM clean up', async () => {
    const output = collectOutput()
    const id = await created(
      sandbox.script('trap "echo cleaned; exit 0" TERM; echo ready; while true; do sleep 0.1; done'),
    )
    const controller = new AbortController()
    const end = startContainer(engine, id, (piece) => (output.sink(piece), controller.abort()), {
      signal: controller.signal,
    })
    expect(await end).toEqual({ kind: 'cancelled' })
    expect(output.text()).toBe('ready\ncleaned\n')
  })
})

describe('taking a container over after a restart', () => {
  const numbers =
    'i=0; while [ $i -lt 300 ]; do echo line $i; echo error $i >&2; i=$((i+1)); [ $((i % 100)) -eq 0 ] && sleep 0.3; done; exit 5'
  const expected = (word: string): string => Array.from({ length: 300 }, (_, index) => `${word} ${index}\n`).join('')
  const position = (stdout: number, stderr: number): LogPosition => ({ stdout, stderr, at: '0.000000000' })

  it.each(['while it runs', 'after it has ended'])('goes on without gap or repeat %s', async (when) => {
    const id = await startAndForget(sandbox.script(numbers))
    if (when === 'after it has ended') await untilExited(id)
    const output = collectOutput()
    const end = await adoptContainer(engine, id, position(250, 1003), output.sink)
    expect(end).toMatchObject({ kind: 'exited', exitCode: 5, logsExact: true })
    expect(output.text('stdout')).toBe(expected('line').slice(250))
    expect(output.text('stderr')).toBe(expected('error').slice(1003))
  })

  it('starts one that was created and never started', async () => {
    const output = collectOutput()
    const id = await created(sandbox.script('echo started'))
    expect(await adoptContainer(engine, id, position(0, 0), output.sink)).toMatchObject({ kind: 'exited', exitCode: 0 })
    expect(output.text()).toBe('started\n')
  })

  it('says that it goes on by time once the Engine may have dropped the beginning', async () => {
    const id = await startAndForget(sandbox.script('echo early; exit 0'))
    await untilExited(id)
    const output = collectOutput()
    const end = await adoptContainer(
      engine,
      id,
      { stdout: 60_000_000, stderr: 0, at: `${Math.floor(Date.now() / 1000) + 60}.000000000` },
      output.sink,
    )
    expect(end).toMatchObject({ kind: 'exited', logsExact: false })
    expect(output.text()).toBe('')
  })

  it('is an infrastructure failure when it is gone', async () => {
    expect(
      await adoptContainer(engine, 'slipway-test-no-such-container', position(0, 0), () => undefined),
    ).toMatchObject({ kind: 'infrastructure' })
  })
})
