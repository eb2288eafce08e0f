import { fork } from 'node:child_process'
import { appendFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/core/logger.ts'
import { createMasker } from '../../../src/core/mask-secrets.ts'
import type { LogLine, LogSource, OpenLogOptions, RunLogs } from '../../../src/core/run-log.ts'
import { secretOf } from '../../../src/core/secret.ts'
import { createFolderRunLogs } from '../../../src/logs/folder-run-logs.ts'

const OUT: LogSource = { step: 'unit', out: 'out' }
const ERR: LogSource = { step: 'unit', out: 'err' }
const OPEN: OpenLogOptions = { masker: createMasker([]), limitBytes: 50 * 1024 * 1024 }

let folder = ''
let logs: RunLogs
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-logs-'))
  logs = createFolderRunLogs({ folder, now: () => 1000, logger: silentLogger })
})
afterAll(() => rm(folder, { recursive: true }))

let counter = 0
const freshRun = (): string => `run-${(counter += 1)}-${process.pid}`
const texts = (lines: readonly LogLine[]): string[] => lines.map((line) => line.text)
async function contentOf(runId: string, options = {}): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of logs.content(runId, options)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
async function followed(runId: string, from = 1): Promise<LogLine[]> {
  const lines: LogLine[] = []
  for await (const batch of logs.follow(runId, { from, follow: true })) lines.push(...batch)
  return lines
}

describe('a log', () => {
  it('numbers the lines of all sources and knows who said them', async () => {
    const run = freshRun()
    const writer = await logs.open(run, OPEN)
    await writer.note('starting')
    await writer.write(OUT, Buffer.from('one\ntw'))
    await writer.write(ERR, Buffer.from('oops\n'))
    await writer.write(OUT, Buffer.from('o\nlast'))
    await writer.end(OUT)
    expect(await writer.seal()).toEqual({ lines: 5, bytes: 27 })
    const page = await logs.read(run)
    expect(page.isSealed).toBe(true)
    expect(page.lines.map(({ n, step, out, text }) => `${n} ${step} ${out} ${text}`)).toEqual([
      '1  slipway starting',
      '2 unit out one',
      '3 unit err oops',
      '4 unit out two',
      '5 unit out last',
    ])
    expect(await contentOf(run)).toBe('starting\none\noops\ntwo\nlast\n')
    expect(texts(await logs.tail(run, 2))).toEqual(['two', 'last'])
    expect(texts(await logs.tail(run, 1, ''))).toEqual(['starting'])
  })

  it('is empty before anything was written, and unknown runs have none', async () => {
    expect(await logs.read('nobody')).toEqual({ lines: [], next: 1, isSealed: false })
    expect(await contentOf('nobody')).toBe('')
    await expect(logs.read('../../etc')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('gives the same lines by page, by following and as text, from any number', async () => {
    const run = freshRun()
    const writer = await logs.open(run, { ...OPEN, limitBytes: 8 * 200 * 1000 })
    const all = Array.from({ length: 20_000 }, (_, index) => `line ${index + 1}`)
    const following = followed(run, 777)
    for (let start = 0; start < all.length; start += 313) {
      await writer.write(OUT, Buffer.from(`${all.slice(start, start + 313).join('\n')}\n`))
    }
    await writer.seal()
    expect(texts(await following)).toEqual(all.slice(776))
    expect(await contentOf(run, { from: 19_990 })).toBe(`${all.slice(19_989).join('\n')}\n`)
    const pages: string[] = []
    for (let from = 1; ;) {
      const page = await logs.read(run, { from, limit: 3000 })
      if (page.lines.length === 0) break
      pages.push(...texts(page.lines))
      from = page.next
    }
    expect(pages).toEqual(all)
  })

  it('masks secrets that arrive in two pieces, also across the cut of a long line', async () => {
    const run = freshRun()
    const masker = createMasker([secretOf('s3cret-value')])
    const writer = await logs.open(run, { ...OPEN, masker })
    await writer.write(OUT, Buffer.from('the s3cret'))
    await writer.write(OUT, Buffer.from(`-value\n${'x'.repeat(64 * 1024 - 5)}s3cret-value${'y'.repeat(100)}\n`))
    await writer.seal()
    expect(await contentOf(run)).not.toContain('s3c')
    expect((await logs.read(run)).lines[0]?.text).toBe('the ***')
  })

  it('keeps what is text of bytes that are none', async () => {
    const run = freshRun()
    const writer = await logs.open(run, OPEN)
    const euro = Buffer.from('€')
    await writer.write(
      OUT,
      Buffer.concat([
        Buffer.from([0xef, 0xbb, 0xbf]),
        Buffer.from('a\0b\n'),
        Buffer.from([0xff, 0xfe, 10]),
        euro.subarray(0, 1),
      ]),
    )
    await writer.write(OUT, Buffer.concat([euro.subarray(1), Buffer.from('\n')]))
    await writer.seal()
    expect(texts((await logs.read(run)).lines)).toEqual(['\uFEFFa\uFFFDb', '\uFFFD\uFFFD', '€'])
  })

  it('cuts a line of 10 MB and says how much is missing', async () => {
    const run = freshRun()
    const writer = await logs.open(run, OPEN)
    await writer.write(OUT, Buffer.from('before\n'))
    for (let index = 0; index < 160; index += 1) await writer.write(OUT, Buffer.alloc(65_536, 'z'))
    await writer.write(OUT, Buffer.from('\nafter\n'))
    await writer.seal()
    const { lines } = await logs.read(run)
    expect(lines).toHaveLength(3)
    expect(lines[1]?.text.slice(0, 65_536)).toBe('z'.repeat(65_536))
    expect(lines[1]?.text.slice(65_536)).toBe(` [... ${159 * 65_536} bytes of this line left out]`)
    expect(lines[2]).toMatchObject({ n: 3, text: 'after' })
  })

  it('keeps head and tail past its limit and says exactly what is missing', async () => {
    const run = freshRun()
    const writer = await logs.open(run, { ...OPEN, limitBytes: 80_000 })
    for (let index = 1; index <= 5000; index += 1) {
      await writer.write(OUT, Buffer.from(`${`line ${index}`.padEnd(99, '.')}\n`))
      if (index % 50 === 0) await writer.flush()
    }
    await writer.seal()
    const { lines } = await logs.read(run, { limit: 5000 })
    const gap = lines.findIndex((line) => line.out === 'gap')
    const [before, marker, after] = [lines[gap - 1], lines[gap], lines[gap + 1]]
    expect(lines.filter((line) => line.out === 'gap')).toHaveLength(1)
    expect(before?.n).toBeGreaterThanOrEqual(400)
    expect(after?.n).toBe((marker?.n ?? 0) + 1)
    const missing = (after?.n ?? 0) - (before?.n ?? 0) - 1
    expect(marker?.text).toContain(`${missing} lines (${missing * 100} bytes) left out`)
    expect(lines.at(-1)).toMatchObject({ n: 5000 })
    const size = Buffer.byteLength(await contentOf(run))
    expect(size).toBeGreaterThan(60_000)
    expect(size).toBeLessThan(100_000)
    // A number within the gap leads to the gap.
    expect((await logs.read(run, { from: (marker?.n ?? 0) - 1, limit: 2 })).lines).toEqual([marker, after])
    expect((await logs.read(run, { from: (marker?.n ?? 0) + 1, limit: 1 })).lines).toEqual([after])
  })

  it('goes on where a writer stopped in the middle of a line', async () => {
    const run = freshRun()
    const first = await logs.open(run, OPEN)
    await first.write(OUT, Buffer.from('one\ntwo\nthr'))
    await first.write(ERR, Buffer.from('e1\n'))
    await first.flush()
    // What a killed process leaves: half a line on the disk.
    const name = (await readdir(join(folder, 'ru', run))).find((file) => file.endsWith('.log')) ?? ''
    await appendFile(join(folder, 'ru', run, name), 'half')
    const second = await logs.open(run, OPEN)
    expect([second.linesOf(OUT), second.linesOf(ERR)]).toEqual([2, 1])
    const { bytes, lines } = second.resumeAt(OUT)
    const rest = Buffer.from('one\ntwo\nthree\n').subarray(bytes).toString().split('\n').slice(lines)
    expect(rest).toEqual(['three', ''])
    await second.write(OUT, Buffer.from('three\n'))
    // The first writer wakes up late: nobody reads what it says.
    await first.write(OUT, Buffer.from('ee, said twice\n'))
    await first.flush()
    await second.write(OUT, Buffer.from('four\n'))
    await second.seal()
    expect(texts((await logs.read(run)).lines)).toEqual(['one', 'two', 'e1', 'three', 'four'])
    const third = await logs.open(run, OPEN)
    expect(third.linesOf(OUT)).toBe(4)
    await first.close()
    await third.seal()
  })

  it('loses and repeats no line when its writer is killed at any moment', async () => {
    const run = freshRun()
    const program = fileURLToPath(new URL('../../support/log-writer-process.ts', import.meta.url))
    for (let round = 0; round < 3; round += 1) {
      const child = fork(program, [folder, run], { execArgv: ['--import', 'tsx'] })
      await new Promise((resolve) => child.once('message', resolve))
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
    }
    const writer = await logs.open(run, OPEN)
    const count = writer.linesOf(OUT)
    await writer.seal()
    const numbers: number[] = []
    for await (const batch of logs.follow(run)) numbers.push(...batch.map((line) => Number(line.text)))
    expect(numbers).toHaveLength(count)
    expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index + 1))
  })

  it('ends a follower that gives up', async () => {
    const run = freshRun()
    const writer = await logs.open(run, OPEN)
    await writer.write(OUT, Buffer.from('one\n'))
    const stop = new AbortController()
    const seen: string[] = []
    for await (const batch of logs.follow(run, { follow: true, signal: stop.signal })) {
      seen.push(...texts(batch))
      stop.abort()
    }
    expect(seen).toEqual(['one'])
    await writer.seal()
  })

  it('is the same however its bytes were cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.constantFrom(10, 65, 0, 0xe2, 0x82, 0xac, 0xff), { minLength: 1, maxLength: 30 }), {
          minLength: 1,
          maxLength: 12,
        }),
        async (chunks) => {
          const [pieces, whole] = [freshRun(), freshRun()]
          const one = await logs.open(pieces, OPEN)
          for (const chunk of chunks) await one.write(OUT, Buffer.from(chunk))
          await one.seal()
          const other = await logs.open(whole, OPEN)
          await other.write(OUT, Buffer.from(chunks.flat()))
          await other.seal()
          expect(await contentOf(pieces)).toBe(await contentOf(whole))
        },
      ),
      { numRuns: 50 },
    )
  })
})
