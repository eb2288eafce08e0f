import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stageOf, stageRig, type StageRig } from './stage-fixture.ts'

let rig: StageRig
beforeAll(async () => {
  rig = await stageRig()
})
afterAll(() => rig.dispose())

const STAGE = `steps:
  - {name: count, commands: ["echo first >> ran", "for i in 1 2 3 4 5 6 7 8; do echo number $i; echo warn $i >&2; sleep 0.25; done"]}
  - {name: done, commands: ["echo second >> ran", "cat ran", "for i in 1 2 3 4; do echo again $i; sleep 0.25; done", "exit 5"]}`
const PROGRAM = fileURLToPath(new URL('stage-process.ts', import.meta.url))

/** Starts the stage in a process of its own and kills that as soon as `isTime` says so. */
async function killWhen(runId: string, isTime: (log: string) => boolean): Promise<void> {
  rmSync(join(rig.folder, 'report.json'), { force: true })
  const child = fork(PROGRAM, [rig.folder, rig.instance, runId, STAGE], { execArgv: ['--import', 'tsx'] })
  const gone = new Promise((resolve) => child.once('exit', resolve))
  while (child.exitCode === null && !isTime(await logOf(runId))) await delay(20)
  child.kill('SIGKILL')
  await gone
}

async function logOf(runId: string): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of rig.ports.logs.content(runId)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const points: readonly (readonly [string, (log: string, folder: string) => boolean])[] = [
  ['before anything was saved', () => true],
  ['when the first step was about to start', (_log, folder) => existsSync(join(folder, 'report.json'))],
  ['in the middle of the first step', (log) => log.includes('number 3')],
  ['at the end of the first step', (log) => log.includes('number 8')],
  ['in the middle of the second step', (log) => log.includes('again 2')],
]

describe('a stage whose process was killed', () => {
  it.each(points)('%s goes on in another one: no step twice, no line lost or repeated', async (_name, isTime) => {
    const runId = randomUUID()
    await killWhen(runId, (log) => isTime(log, rig.folder))
    // Time in which the container prints while nobody reads.
    await delay(300)
    const saved = join(rig.folder, 'report.json')
    const known = existsSync(saved) ? JSON.parse(readFileSync(saved, 'utf8')) : null
    const { end, log } = await rig.run(await stageOf(STAGE), { runId, known })
    expect(end).toMatchObject({ conclusion: 'failure', reason: 'exit' })
    expect(end.report.attempts).toHaveLength(1)
    expect(end.report.attempts[0]?.steps.map((step) => step.exitCode)).toEqual([0, 5])
    const lines = log.split('\n')
    const numbers = (word: string): number[] =>
      lines.filter((line) => line.startsWith(`${word} `)).map((line) => Number(line.slice(word.length + 1)))
    expect(numbers('number')).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(numbers('warn')).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(numbers('again')).toEqual([1, 2, 3, 4])
    expect(lines.filter((line) => line === 'first' || line === 'second')).toEqual(['first', 'second'])
    expect(await rig.objects()).toEqual([])
  })
})
