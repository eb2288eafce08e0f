/*
 * Hostile YAML must not end the process or hold its event loop, and some of it ends the thread that parses it with an
 * error no `catch` sees. So it is parsed in a worker thread with a memory limit and a deadline. What holds:
 *
 * - One thread, one text at a time: whoever waits too long or whose thread dies is certainly the culprit.
 * - The deadline starts when the thread is ready; starting it (slow on a busy machine) is our time, not the text's.
 * - A thread that died or was ended is replaced by the next call. An idle one is ended, and never keeps the process alive.
 */
import { Worker } from 'node:worker_threads'
import { SlipwayError } from '../core/errors.ts'
import { tooLarge } from './read-yaml.ts'
import type { YamlReading } from './yaml-reading.ts'

export interface YamlParser {
  /** Never rejects for the text's sake; only when no thread can be started. */
  parse(input: string | Uint8Array): Promise<YamlReading>
  /** Ends the thread; a later `parse` starts a new one. */
  close(): Promise<void>
}

/** Milliseconds. The largest allowed file takes about 100; a text that needs this long is an attack. */
const PARSE_DEADLINE = 5000
/** Milliseconds for the thread to come up, generous for a machine under load. */
const START_DEADLINE = 60_000
/** Milliseconds after which an unused thread gives its memory back. */
const IDLE_LIMIT = 30_000
/** Megabytes. Enough for any file within the limits many times over. */
const HEAP_LIMIT = 128
/** Megabytes. The parsers recurse; the default of 4 is what their level limit was tried with. */
const STACK_SIZE = 4

export interface YamlParserOptions {
  /** Milliseconds for one text. */
  readonly deadline?: number
  /** Megabytes of heap for the thread. */
  readonly heapLimit?: number
}

export function createYamlParser({
  deadline = PARSE_DEADLINE,
  heapLimit = HEAP_LIMIT,
}: YamlParserOptions = {}): YamlParser {
  let worker: Worker | null = null
  let idle: NodeJS.Timeout | undefined
  let queue: Promise<unknown> = Promise.resolve()

  async function start(): Promise<Worker> {
    const started = await startWorker(heapLimit)
    // One that dies between two questions must not be asked the next.
    started.once('exit', () => {
      if (worker === started) worker = null
    })
    worker = started
    return started
  }

  async function end(): Promise<void> {
    clearTimeout(idle)
    const ending = worker
    worker = null
    await ending?.terminate()
  }

  async function parseNow(input: string | Uint8Array): Promise<YamlReading> {
    clearTimeout(idle)
    const running = worker ?? (await start())
    running.ref()
    const answer = await ask(running, input, deadline)
    if (answer === 'died') {
      await end()
      return unreadable()
    }
    running.unref()
    idle = setTimeout(() => void end(), IDLE_LIMIT).unref()
    return answer
  }

  return {
    parse(input) {
      const problem = tooLarge(input)
      if (problem !== null) return Promise.resolve({ kind: 'invalid', problems: [problem] })
      const reading = queue.then(() => parseNow(input))
      queue = reading.catch(() => undefined)
      return reading
    },
    close() {
      const closed = queue.then(end)
      queue = closed
      return closed
    },
  }
}

async function startWorker(heapLimit: number): Promise<Worker> {
  const worker = new Worker(workerUrl(), {
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: heapLimit, stackSizeMb: STACK_SIZE },
  })
  // Without a listener between two questions, a thread that dies then would take the process with it.
  worker.on('error', () => undefined)
  const answer = await nextMessage(worker, START_DEADLINE)
  if (answer !== 'died') return worker
  await worker.terminate()
  throw new SlipwayError('internal', 'the thread that reads YAML cannot be started')
}

function ask(worker: Worker, input: string | Uint8Array, deadline: number): Promise<YamlReading | 'died'> {
  const answer = nextMessage(worker, deadline)
  worker.postMessage(input)
  return answer
}

function nextMessage(worker: Worker, deadline: number): Promise<YamlReading | 'died'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle('died'), deadline)
    const dead = (): void => settle('died')
    function settle(answer: YamlReading | 'died'): void {
      clearTimeout(timer)
      worker.off('message', settle).off('error', dead).off('exit', dead)
      resolve(answer)
    }
    worker.on('message', settle).on('error', dead).on('exit', dead)
  })
}

function unreadable(): YamlReading {
  const message = 'the file cannot be read within the limits of memory and time'
  return { kind: 'invalid', problems: [{ line: 1, column: 1, message, hint: 'flatten it and use fewer aliases' }] }
}

/** The build puts the worker beside the chunk this file ends up in. */
function workerUrl(): URL {
  const fromSource = import.meta.url.endsWith('.ts')
  return new URL(fromSource ? './yaml-worker-from-source.mjs' : './yaml-worker.js', import.meta.url)
}
