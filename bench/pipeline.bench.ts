/** Stages: one at a time, four at once, and their log on its way to a reader. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectDockerHost } from '../src/docker/connect-host.ts'
import type { DockerEngine } from '../src/docker/engine.ts'
import { demultiplexer } from '../src/docker/demultiplex.ts'
import { median, percentile, type BenchGroup, type BenchRow } from './support/bench-row.ts'
import { ADMIN_TOKEN, startBenchSlipway, type BenchSlipway } from './support/bench-slipway.ts'

const REPOSITORY = 'acme/stages'
const PUSHES = 12
const AT_ONCE = 4
const STAGES_AT_ONCE = 12
const PATIENCE_MS = 120_000
const LOG_BYTES = 100_000_000
const LOG_LINE = 'x'.repeat(79)
const LATENCY_LINES = 60
const SERVER = `repositories:
  "acme/*":
    max_concurrent: ${AT_ONCE}
    limits: {memory: 2g, cpus: 2, pids: 512, timeout: 1h, log: 300m}
`
const OPTIONS = {
  Image: 'busybox:latest',
  Entrypoint: ['/bin/sh', '-c', 'true'],
  HostConfig: { Memory: 2 ** 31, NanoCpus: 2e9, PidsLimit: 512, Init: true },
}

export const pipeline: BenchGroup = {
  name: 'pipeline',
  async run() {
    const config = await mkdtemp(join(tmpdir(), 'slipway-bench-config-'))
    await writeFile(join(config, 'server.yml'), SERVER)
    const host = connectDockerHost({ name: 'bench', endpoint: process.env['DOCKER_HOST'] ?? '/var/run/docker.sock' })
    const slipway = await startBenchSlipway({ SERVER_CONFIG: join(config, 'server.yml') })
    try {
      await slipway.github.createRepository({ owner: 'acme', name: 'stages', files: { readme: 'for the bench\n' } })
      return [
        await oneStage(slipway, host.engine),
        await stagesAMinute(slipway, host.engine),
        ...(await liveLog(slipway, host.engine)),
        await latency(slipway),
      ]
    } finally {
      await slipway.close()
      host.close()
      await rm(config, { recursive: true })
    }
  },
}

/** From the delivery of the push until GitHub has the completed check, on GitHub's clock. */
async function oneStage({ github }: BenchSlipway, engine: DockerEngine): Promise<BenchRow> {
  const files = manifest(['one'], '["true"]')
  const [times, floor]: [number[], number[]] = [[], []]
  for (let n = 0; n <= PUSHES; n += 1) {
    floor.push(await timed(() => container(engine)))
    const begun = Date.now()
    const sha = await github.commit(REPOSITORY, { branch: 'main', files: { ...files, count: `${n}\n` } })
    const check = await github.completedCheck(REPOSITORY, sha, 'pipeline/one', PATIENCE_MS)
    const delivered = (await github.deliveries()).findLast(
      ({ event, deliveredAt }) => event === 'push' && Date.parse(deliveredAt) >= begun,
    )
    times.push(
      Date.parse(check.history.findLast(({ status }) => status === 'completed')?.at ?? '') -
        Date.parse(delivered?.deliveredAt ?? ''),
    )
  }
  const [value, least] = [median(times.slice(1)), median(floor.slice(1))]
  return {
    name: 'push to completed stage, one true step',
    unit: 'ms',
    value,
    floor: least,
    ratio: value / least,
    goal: 'at most 1.15 + 15 ms',
    pass: value <= 1.15 * least + 15,
  }
}

async function stagesAMinute({ github }: BenchSlipway, engine: DockerEngine): Promise<BenchRow> {
  const names = Array.from({ length: STAGES_AT_ONCE }, (_, n) => `s${n}`)
  const least = await timed(async () => {
    const left = [...names]
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (left.pop() !== undefined) await container(engine)
      }),
    )
  })
  const took = await timed(async () => {
    const sha = await github.commit(REPOSITORY, { branch: 'many', files: manifest(names, '["true"]') })
    await Promise.all(names.map((name) => github.completedCheck(REPOSITORY, sha, `pipeline/${name}`, PATIENCE_MS)))
  })
  const perMinute = (ms: number): number => (STAGES_AT_ONCE * 60_000) / ms
  return {
    name: 'stages a minute, 4 at once',
    unit: '1/min',
    value: perMinute(took),
    floor: perMinute(least),
    ratio: least / took,
    goal: 'at least 0.9',
    pass: least / took >= 0.9,
  }
}

/** What a client reads a second of a log that is being printed, and how the server's memory grows meanwhile. */
async function liveLog(slipway: BenchSlipway, engine: DockerEngine): Promise<readonly BenchRow[]> {
  const print = `yes ${LOG_LINE} | head -c ${LOG_BYTES}`
  const floor = await attachRate(engine, print)
  const before = await memory(slipway.pid())
  let peak = before
  const watch = setInterval(() => void memory(slipway.pid()).then((now) => (peak = Math.max(peak, now))), 100)
  const sha = await slipway.github.commit(REPOSITORY, {
    branch: 'log',
    files: manifest(['flood'], JSON.stringify([print])),
  })
  const rate = await readRate(slipway, await runOf(slipway, sha))
  clearInterval(watch)
  const growth = (peak - before) / 1e6
  return [
    {
      name: 'live log to a client, 100 MB',
      unit: 'MB/s',
      value: rate,
      floor,
      ratio: rate / floor,
      goal: 'at least 0.5',
      pass: rate >= 0.5 * floor,
    },
    {
      name: 'memory while 100 MB of log pass',
      unit: 'MB',
      value: growth,
      floor: null,
      ratio: growth,
      goal: 'at most 20 MB more',
      pass: growth <= 20,
    },
  ]
}

async function latency(slipway: BenchSlipway): Promise<BenchRow> {
  // The step prints its clock; the reader compares with its own, which on one machine is the same.
  const commands = [`for i in $(seq ${LATENCY_LINES}); do awk '{print "at", $1}' /proc/uptime; usleep 50000; done`]
  const sha = await slipway.github.commit(REPOSITORY, {
    branch: 'latency',
    files: manifest(['clock'], JSON.stringify(commands)),
  })
  const answer = await slipway.fetch(`/api/v1/runs/${await runOf(slipway, sha)}/logs?stream=sse`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  const late: number[] = []
  let text = ''
  for await (const chunk of answer.body ?? []) {
    const uptime = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0])
    text += Buffer.from(chunk).toString()
    for (const match of text.matchAll(/"text":"at ([\d.]+)"/g)) late.push((uptime - Number(match[1])) * 1000)
    text = text.slice(text.lastIndexOf('\n\n') + 2)
  }
  const value = percentile(late, 0.95)
  return {
    name: 'log line to reader, p95',
    unit: 'ms',
    value,
    floor: null,
    ratio: value,
    goal: 'under 200 ms',
    pass: late.length > LATENCY_LINES / 2 && value < 200,
  }
}

function manifest(stages: readonly string[], commands: string): Readonly<Record<string, string>> {
  const text = stages.map((stage) => `    ${stage}: {steps: [{commands: ${commands}}]}`).join('\n')
  return {
    '.github/slipway.yml': `version: 1\npipeline:\n  on: {push: {}}\n  image: busybox:latest\n  stages:\n${text}\n`,
  }
}

async function runOf(slipway: BenchSlipway, sha: string): Promise<string> {
  const deadline = performance.now() + PATIENCE_MS
  while (performance.now() < deadline) {
    const answer = await slipway.fetch('/runs', { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })
    const body: { readonly runs?: readonly { readonly runId: string; readonly stageId: string }[] } = JSON.parse(
      await answer.text(),
    )
    for (const { runId } of body.runs ?? []) {
      const run: { readonly sha?: string } = JSON.parse(
        await (await slipway.fetch(`/run/${runId}`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).text(),
      )
      if (run.sha === sha) return runId
    }
  }
  throw new Error(`no run for ${sha}`)
}

/** Bytes a second from the first to the last. */
async function readRate(slipway: BenchSlipway, runId: string): Promise<number> {
  const answer = await slipway.fetch(`/api/v1/runs/${runId}/logs?stream=http`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  let [bytes, begun] = [0, 0]
  for await (const chunk of answer.body ?? []) {
    if (bytes > 0 && begun === 0) begun = performance.now()
    bytes += chunk.length
  }
  if (bytes < LOG_BYTES) throw new Error(`only ${bytes} bytes of the log arrived`)
  return bytes / 1e6 / ((performance.now() - begun) / 1000)
}

async function attachRate(engine: DockerEngine, print: string): Promise<number> {
  const body = {
    ...OPTIONS,
    Entrypoint: ['/bin/sh', '-c', print],
    HostConfig: { ...OPTIONS.HostConfig, LogConfig: { Type: 'none' } },
  }
  const id = await create(engine, body)
  const output = await engine.upgrade({
    method: 'POST',
    path: `/containers/${id}/attach`,
    query: { stream: true, stdout: true, stderr: true },
  })
  let [bytes, begun] = [0, 0]
  const receive = demultiplexer((piece) => {
    if (begun === 0) begun = performance.now()
    bytes += piece.bytes.length
  })
  output.on('data', receive)
  const ended = new Promise((resolve) => output.once('end', resolve))
  await engine.call({ method: 'POST', path: `/containers/${id}/start` })
  await ended
  const rate = bytes / 1e6 / ((performance.now() - begun) / 1000)
  await engine.call({ method: 'DELETE', path: `/containers/${id}`, query: { force: true } })
  return rate
}

async function container(engine: DockerEngine): Promise<void> {
  const id = await create(engine, OPTIONS)
  const wait = engine.call({ method: 'POST', path: `/containers/${id}/wait`, query: { condition: 'next-exit' } })
  await engine.call({ method: 'POST', path: `/containers/${id}/start` })
  await wait
  await engine.call({ method: 'DELETE', path: `/containers/${id}`, query: { force: true } })
}

async function create(engine: DockerEngine, body: Readonly<Record<string, unknown>>): Promise<string> {
  const answer = await engine.call({
    method: 'POST',
    path: '/containers/create',
    query: { name: `slipway-bench-${randomUUID()}` },
    body,
  })
  if (typeof answer !== 'object' || answer === null || !('Id' in answer)) throw new Error('no container was made')
  return String(answer.Id)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

/** Resident bytes of a process. */
async function memory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024
}
