/** Two processes on one database: one is paused for longer than its lease, one is killed again and again. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSlipway, type SlipwayProcess, type SlipwayUnderTest } from '../support/slipway.ts'

const REPOSITORY = 'acme/replicas'
const PATIENCE_MS = 120_000

let slipway: SlipwayUnderTest
let db: pg.Client
beforeAll(async () => {
  slipway = await startSlipway()
  db = new pg.Client({ connectionString: slipway.database.url })
  await db.connect()
  await slipway.github.createRepository({
    owner: 'acme',
    name: 'replicas',
    files: { '.github/slipway.yml': 'version: 1\nimages:\n  web: {}\n', Dockerfile: 'FROM busybox\nRUN true\n' },
  })
})
afterAll(async () => {
  await db.end()
  await slipway.close()
})

async function push(branch: string, seconds: number): Promise<string> {
  const dockerfile = `FROM busybox\nRUN echo ${randomUUID()} && sleep ${seconds}\n`
  return await slipway.github.commit(REPOSITORY, { branch, files: { Dockerfile: dockerfile } })
}

/** What must hold whatever happened: each run one check run, ended once, with the end that the database has (I1 to I4). */
async function holdsTogether(shas: readonly string[]): Promise<void> {
  for (const sha of shas) {
    const check = await slipway.github.completedCheck(REPOSITORY, sha, 'deployability', PATIENCE_MS)
    expect(check.conclusion).toBe('success')
    const all = await slipway.github.checkRuns(REPOSITORY, sha)
    expect(all).toHaveLength(1)
    // Completed is the end: nothing that was sent later took it back.
    expect(check.history.findIndex((moment) => moment.status === 'completed')).toBe(
      check.history.findLastIndex((moment) => moment.status !== 'completed') + 1,
    )
    const { rows } = await db.query(
      `select state, conclusion, (select count(*)::integer from run_events where run_id = runs.id and kind = 'completed') as ends
       from runs where id = $1`,
      [check.external_id],
    )
    expect(rows).toEqual([{ state: 'completed', conclusion: 'success', ends: 1 }])
  }
}

describe('a process that is paused for longer than its lease', () => {
  it('loses its work to the other one, and what it still writes is refused', async () => {
    const { github } = slipway
    const second = await slipway.start()
    const sha = await push('paused', 8)
    const holder = await github.waitFor(
      async () => {
        const { rows } = await db.query(
          `select pid from processes join jobs on jobs.process_id = processes.id
          join runs on jobs.key = 'run:' || runs.id where runs.sha = $1 and runs.state = 'in_progress'`,
          [sha],
        )
        return rows[0] === undefined ? undefined : Number(rows[0].pid)
      },
      { what: 'a process that works on it', timeout: PATIENCE_MS },
    )
    process.kill(holder, 'SIGSTOP')
    try {
      await github.completedCheck(REPOSITORY, sha, 'deployability', PATIENCE_MS)
    } finally {
      process.kill(holder, 'SIGCONT')
    }
    const story = await db.query(
      `select run_events.kind from run_events join runs on runs.id = run_id where sha = $1`,
      [sha],
    )
    expect(story.rows.filter(({ kind }) => kind === 'started')).toHaveLength(2)
    const next = await push('paused-and-back', 0)
    await holdsTogether([sha, next])
    await second.stop()
  })
})

describe('two processes of which one is killed every few seconds', () => {
  it('end every push with the truth, once', async () => {
    let seed = 7
    // A fixed sequence: a failure can be repeated.
    const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
    const processes: SlipwayProcess[] = [slipway.process(), await slipway.start()]
    const shas: string[] = []
    for (let round = 0; round < 4; round++) {
      for (let n = 0; n < 2; n++) shas.push(await push(`chaos-${round}-${n}`, 1))
      await delay(random() * 2_500)
      const index = random() < 0.5 ? 0 : 1
      await processes[index]?.kill()
      processes[index] = await slipway.start()
    }
    await slipway.github.delivered()
    // Deliveries that met a dead process are asked for again by the next start.
    await processes[0]?.stop()
    await slipway.start()
    await holdsTogether(shas)
    const doubled = await db.query(
      `select sha, name, attempt, count(*) from runs group by repository_id, sha, name, attempt having count(*) > 1`,
    )
    expect(doubled.rows).toEqual([])
    expect((await slipway.github.report()).problems).toEqual([])
  })
})
