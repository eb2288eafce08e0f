/** A program of ours as a child: its output in a file, its first line when asked for, and an end that is certain. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { SlipwayError } from '../../core/errors.ts'

/** Longer than the server's own grace, which ends within 30 s. */
const KILL_AFTER_MS = 35_000

export interface Child {
  readonly pid: number
  /** The first line it prints. Rejects when it ends before. */
  readonly firstLine: Promise<string>
  /** Rejects when it ends; for racing against what needs it alive. */
  readonly ended: Promise<never>
  stop(): Promise<void>
}

export interface ChildOptions {
  readonly program: string
  readonly args?: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly logFile: string
}

export function startChild({ program, args = [], env, logFile }: ChildOptions): Child {
  // In a process group of its own: Ctrl-C is for the story, which then ends its programs in order.
  const child = spawn(process.execPath, [...process.execArgv, program, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const log = createWriteStream(logFile, { flags: 'a' })
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  let isStopping = false
  const ended = new Promise<never>((_resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      log.end()
      if (!isStopping)
        reject(
          new SlipwayError('internal', `a program of the demo ended with ${code ?? signal}`, {
            remedy: `See ${logFile}.`,
          }),
        )
    })
  })
  // Whoever waits for something races against it; nobody may be waiting when it happens.
  ended.catch(() => undefined)
  return {
    pid: child.pid ?? 0,
    firstLine: Promise.race([
      new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve)),
      ended,
    ]),
    ended,
    async stop() {
      isStopping = true
      await end(child)
    },
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
  await gone
  clearTimeout(timer)
}
