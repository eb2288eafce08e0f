/** The process itself: what it weighs when idle, and how soon it is there again. */
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { median, type BenchGroup } from './support/bench-row.ts'
import { end, freePort, startBenchSlipway, startProgram } from './support/bench-slipway.ts'

const STARTS = 3
/** What the start has allocated is collected within this. Milliseconds. */
const SETTLE_MS = 5_000
const GOAL_READY_MS = 1_000

export const processGroup: BenchGroup = {
  name: 'process',
  async run() {
    const slipway = await startBenchSlipway()
    const port = await freePort()
    const bare = await startProgram('bench/floor/bare-server.mjs', `http://127.0.0.1:${port}`, { PORT: String(port) })
    try {
      const starts: number[] = []
      for (let n = 0; n < STARTS; n += 1) starts.push(await slipway.restart())
      await delay(SETTLE_MS)
      const [ours, floor] = await Promise.all([
        residentMegabytes(slipway.pid()),
        residentMegabytes(bare.child.pid ?? 0),
      ])
      const ready = median(starts)
      return [
        {
          name: 'idle memory of the app',
          unit: 'MB',
          value: ours,
          floor,
          ratio: ours / floor,
          goal: 'at most 2.5',
          pass: ours / floor <= 2.5,
        },
        {
          name: 'start with an existing database until ready',
          unit: 'ms',
          value: ready,
          floor: null,
          ratio: ready,
          goal: `under ${GOAL_READY_MS} ms`,
          pass: ready < GOAL_READY_MS,
        },
      ]
    } finally {
      await end(bare.child, 'SIGTERM')
      await slipway.close()
    }
  },
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1024
}
