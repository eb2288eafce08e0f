import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { secretOf } from '../../../src/core/secret.ts'
import { stageOf, stageRig, type StageRig } from './stage-fixture.ts'

let rig: StageRig
beforeAll(async () => {
  rig = await stageRig()
})
afterAll(() => rig.dispose())

describe('a stage', () => {
  it('runs its steps one after the other in one workspace and leaves nothing behind', async () => {
    const stage = await stageOf(`env: {GREETING: "hello $(touch pwned) there"}
steps:
  - {name: write, commands: ["echo \\"$GREETING\\" > said", "cd /tmp", "pwd"]}
  - {name: read, commands: ["cat said given", "echo branch=$SLIPWAY_BRANCH sha=$SLIPWAY_SHA ci=$CI", "ls", "echo oops >&2"]}`)
    const { end, log } = await rig.run(stage, { files: { given: 'from the repository\n' } })
    expect(end).toMatchObject({ conclusion: 'success', reason: null })
    expect(end.report.attempts[0]?.steps.map(({ name, state, exitCode }) => [name, state, exitCode])).toEqual([
      ['write', 'passed', 0],
      ['read', 'passed', 0],
    ])
    expect(log).toContain('+ cd /tmp\n')
    expect(log).toContain('hello $(touch pwned) there\nfrom the repository\n')
    expect(log).toContain(`branch=$(touch x) sha=${'a'.repeat(40)} ci=true`)
    expect(log).not.toMatch(/^pwned$/m)
    expect(await rig.objects()).toEqual([])
  })

  it('stops at the step that fails and shows its last lines and the compiler notes', async () => {
    const stage = await stageOf(`steps:
  - {name: build, commands: ["echo src/a.c:3:7: error: no such type", "echo 12:30:01: later", "exit 3", "echo never"]}
  - {name: after, commands: ["echo never"]}`)
    const { end, log } = await rig.run(stage)
    expect(end).toMatchObject({ conclusion: 'failure', reason: 'exit' })
    expect(end.report.attempts[0]?.steps.map(({ state, cause }) => [state, cause])).toEqual([
      ['failed', 'exit code 3'],
      ['waiting', null],
    ])
    expect(end.report.annotations).toEqual([
      {
        path: 'src/a.c',
        startLine: 3,
        endLine: 3,
        startColumn: 7,
        endColumn: 7,
        level: 'failure',
        message: 'error: no such type',
      },
    ])
    expect(end.report.logTail).toContain('src/a.c:3:7: error: no such type')
    expect(log).not.toContain('never')
  })

  it('goes on after a step whose failure the file ignores, and knows other good exit codes', async () => {
    const stage = await stageOf(`success_exit: [0, 7]
steps:
  - {name: lint, failure: ignore, commands: ["exit 1"]}
  - {name: odd, commands: ["exit 7"]}`)
    const { end } = await rig.run(stage)
    expect(end).toMatchObject({ conclusion: 'success', reason: 'tolerated' })
  })

  it('names what went wrong with memory, time and images', async () => {
    const memory = await stageOf(
      `resources: {memory: 16m}\nsteps: [{name: bomb, commands: ["x=a; while true; do x=$x$x; done"]}]`,
    )
    const time = await stageOf(`timeout: 30s\nsteps: [{name: slow, timeout: 1s, commands: ["sleep 60"]}]`)
    const image = await stageOf(`image: "no-such-registry.invalid/nothing:1"\nsteps: [{name: any, commands: ["true"]}]`)
    const [oom, slow, missing] = await Promise.all([rig.run(memory), rig.run(time), rig.run(image)])
    expect(oom.end.report.attempts[0]?.steps[0]).toMatchObject({
      state: 'out_of_memory',
      cause: 'out of memory: the limit is 16 MiB',
    })
    expect(oom.end).toMatchObject({ conclusion: 'failure', reason: 'oom' })
    expect(slow.end).toMatchObject({ conclusion: 'timed_out', reason: 'timeout' })
    expect(slow.log).toContain('the time limit of the step (1s) was reached')
    expect(missing.end.report.attempts[0]?.trouble?.message).toContain('no-such-registry.invalid/nothing:1')
    expect(missing.end.conclusion).toBe('failure')
  })

  it('holds a fork bomb, waits for no daemon child that keeps the output open, and has no rights to speak of', async () => {
    const bomb = await stageOf(
      `resources: {pids: 32}\ntimeout: 60s\nsteps: [{name: bomb, commands: ["for i in $(seq 100); do sleep 30 & done || true", "exit 4"]}]`,
    )
    const daemon = await stageOf(`steps: [{name: daemon, commands: ["(setsid sleep 300; echo late) & echo started"]}]`)
    const rights = await stageOf(
      `steps: [{name: rights, commands: ["grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status", "test ! -e /var/run/docker.sock"]}]`,
    )
    const [held, gone, meek] = await Promise.all([rig.run(bomb), rig.run(daemon), rig.run(rights)])
    expect(held.end.conclusion).toBe('failure')
    expect(gone.end.conclusion).toBe('success')
    expect(meek.log).toMatch(/CapEff:\s+0{16}\nNoNewPrivs:\s+1\nSeccomp:\s+2/)
  })

  it('is cancelled for good: TERM is ignored, KILL is not, and nothing is left', async () => {
    const stage = await stageOf(
      `steps: [{name: stubborn, commands: ["trap '' TERM", "echo ready", "while true; do sleep 1; done"]}]`,
    )
    const cancel = new AbortController()
    const runId = crypto.randomUUID()
    const running = rig.run(stage, { runId, cancel: cancel.signal })
    for await (const batch of rig.ports.logs.follow(runId, { follow: true })) {
      if (batch.some((line) => line.text === 'ready')) break
    }
    cancel.abort()
    const { end } = await running
    expect(end).toMatchObject({ conclusion: 'cancelled' })
    expect(end.report.attempts[0]?.steps[0]?.state).toBe('cancelled')
    expect(await rig.objects()).toEqual([])
  })

  it('keeps the attempts of a retry apart', async () => {
    const stage = await stageOf(`retry: {max: 2, on: [exit]}\nsteps: [{name: flaky, commands: ["echo try", "exit 1"]}]`)
    const { end, log } = await rig.run(stage)
    expect(end.report.attempts.map((attempt) => attempt.steps[0]?.cause)).toEqual([
      'exit code 1',
      'exit code 1',
      'exit code 1',
    ])
    expect(log.match(/^try$/gm)).toHaveLength(3)
    expect(end.report.logTail.at(-1)).toBe('+ exit 1')
  })

  it('masks secrets in the log', async () => {
    const stage = await stageOf(
      `secrets: [TOKEN]\nsteps: [{name: leak, commands: ["echo $TOKEN", "echo -n $TOKEN | base64", "printf 'hunter'; sleep 0.2; echo 2-secret"]}]`,
    )
    const { log } = await rig.run(stage, { secrets: { TOKEN: secretOf('hunter2-secret') } })
    expect(log).not.toContain('hunter2-secret')
    expect(log).not.toContain(Buffer.from('hunter2-secret').toString('base64').slice(0, 12))
    expect(log.match(/\*\*\*/g)).toHaveLength(3)
  })

  it('starts services, waits until they are ready and shows their log', async () => {
    const stage = await stageOf(`services:
  web: {image: "busybox:latest", command: [sh, -c, "mkdir /w; echo served > /w/index.html; sleep 1; echo up; httpd -f -p 8080 -h /w"], ready: {port: 8080, timeout: 30s}}
  aux: {image: "busybox:latest", command: [sleep, "60"], ready: {command: [test, -e, /bin], timeout: 20s}}
steps: [{name: ask, commands: ["wget -q -O - http://web:8080/"]}]`)
    const { end, log } = await rig.run(stage)
    expect(end.conclusion).toBe('success')
    expect(log).toContain('served')
    expect(log).toMatch(/^up$/m)
    expect(await rig.objects()).toEqual([])
  })

  it('fails when a service ends before it is ready, and says so', async () => {
    const stage =
      await stageOf(`services: {db: {image: "busybox:latest", command: [sh, -c, "echo no disk; exit 9"], ready: {port: 5432, timeout: 20s}}}
steps: [{name: ask, commands: ["true"]}]`)
    const { end, log } = await rig.run(stage)
    expect(end.report.attempts[0]?.trouble?.message).toBe('service db ended before it was ready with exit code 9')
    expect(log).toContain('no disk')
  })

  it('keeps artifacts, but no links, no setuid and nothing from outside', async () => {
    const stage =
      await stageOf(`artifacts: {paths: ["dist/**", "report.xml"], when: always, report: {junit: report.xml}}
steps: [{name: build, commands: ["mkdir -p dist/js", "echo one > dist/js/a.js", "echo two > dist/b", "chmod 4755 dist/b", "ln -s /etc/passwd dist/link", "ln dist/b dist/hard", "mkfifo dist/pipe", "echo no > other", "cp junit.txt report.xml"]}]`)
    const junit = `<testsuites><testsuite name="s"><testcase name="ok" classname="c"/><testcase name="adds" classname="c" file="/slipway/workspace/src/m.ts" line="12"><failure message="1 &lt; 2"/></testcase></testsuite></testsuites>`
    const { end, runId } = await rig.run(stage, { files: { 'junit.txt': junit } })
    const kept = rig.kept.filter((one) => one.runId === runId)
    expect(kept.map((one) => one.path).sort()).toEqual(['dist/b', 'dist/js/a.js', 'report.xml'])
    const first = kept.find((one) => one.path === 'dist/js/a.js')
    const bytes = await rig.ports.artifactBlobs.get(first?.sha256 ?? '', { verify: true })
    expect(bytes && (await buffer(bytes.content)).toString()).toBe('one\n')
    expect(end.report.notices.filter((notice) => notice.includes('link or a device'))).toHaveLength(3)
    expect(end.report.tests).toEqual({
      total: 2,
      failed: 1,
      skipped: 0,
      failures: [{ name: 'c › adds', message: '1 < 2' }],
    })
    expect(end.report.annotations).toEqual([
      { path: 'src/m.ts', startLine: 12, endLine: 12, level: 'failure', title: 'c › adds', message: '1 < 2' },
    ])
  })

  it('restores a cache of the base and writes only its own', async () => {
    const text = `cache: [{key: "deps-\${hash:lock}", restore: ["deps-"], paths: [node_modules]}]
steps: [{name: use, commands: ["cat node_modules/x 2>/dev/null || echo cold", "mkdir -p node_modules/.bin", "echo warm > node_modules/x", "ln -sf ../x node_modules/.bin/x"]}]`
    const stage = await stageOf(text)
    const cold = await rig.run(stage)
    expect(cold.log).toMatch(/^cold$/m)
    expect(cold.end.report.caches.map((cache) => `${cache.key} ${cache.outcome}`)).toEqual([
      'deps-hash-of-lock miss',
      'deps-hash-of-lock saved',
    ])
    const pull = await rig.run(stage, { cacheScopes: { write: 'pull:7', read: ['pull:7', 'branch:main'] } })
    expect(pull.log).toMatch(/^warm$/m)
    expect(pull.end.report.caches[0]).toMatchObject({ outcome: 'hit' })
  })

  it('keeps memory and disk flat under a flood of output', async () => {
    const stage = await stageOf(
      `steps: [{name: flood, commands: ["yes 'a line of forty characters, more or less' | head -c 60000000", "echo the end"]}]`,
    )
    const before = process.memoryUsage().rss
    const { end, log } = await rig.run(stage, { logBytes: 1024 * 1024 })
    expect(end.conclusion).toBe('success')
    expect(log.length).toBeLessThan(1_500_000)
    expect(log).toMatch(/lines \(\d+ bytes\) left out here/)
    expect(log).toContain('the end')
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024)
  })
})
