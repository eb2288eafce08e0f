/**
 * Runs git with an environment of its own and hard limits.
 *
 * Nothing of the machine's git set-up is read (no system or user configuration, no credential helpers, no prompts, no
 * hooks), because a helper or an alias there would act with our rights on a stranger's repository. Secrets travel in
 * the environment, which other users cannot read, never in arguments or addresses. Arguments are handed over as a
 * list; there is no shell.
 */
import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { Readable } from 'node:stream'
import { SlipwayError } from '../core/errors.ts'

export interface GitOptions {
  readonly gitDir?: string
  readonly cwd?: string
  /** Configuration of this one call, by key; the place for credentials. */
  readonly config?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
  /** More output than this ends the call. */
  readonly maxBytes?: number
  readonly signal?: AbortSignal | undefined
}

export type GitResult =
  | { readonly kind: 'done'; readonly stdout: Buffer }
  | { readonly kind: 'failed'; readonly exitCode: number | null; readonly stderr: string }

/** Reading from a local mirror takes milliseconds; this is for a disk that hangs. */
export const READ_TIMEOUT_MS = 60_000
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024
const STDERR_KEPT_BYTES = 16 * 1024

/** Expected failures are results. Throws timed_out, cancelled, or request_invalid when the output exceeds its limit. */
export async function runGit(argv: readonly string[], options: GitOptions = {}): Promise<GitResult> {
  const { child, end } = startGit(argv, options)
  const chunks: Buffer[] = []
  let size = 0
  const limit = options.maxBytes ?? MAX_OUTPUT_BYTES
  let tooLong = false
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= limit) chunks.push(chunk)
    else if (!tooLong) {
      tooLong = true
      child.kill('SIGKILL')
    }
  })
  const result = await end
  if (tooLong) throw new SlipwayError('request_invalid', `git ${argv[0] ?? ''} printed more than ${limit} bytes`)
  return result.exitCode === 0 ? { kind: 'done', stdout: Buffer.concat(chunks) } : { kind: 'failed', ...result }
}

/** Like runGit, for calls that only fail when something is broken. */
export async function gitOutput(argv: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  const result = await runGit(argv, options)
  if (result.kind === 'done') return result.stdout
  throw new SlipwayError('internal', `git ${argv[0] ?? ''} failed: ${result.stderr.trim()}`)
}

/** The output as it is produced. It breaks with an error when git fails, so that half an archive is never taken for a whole. */
export function streamGit(argv: readonly string[], options: GitOptions = {}): Readable {
  const { child, end } = startGit(argv, options)
  end.catch(() => undefined)
  const checked = async function* (): AsyncGenerator<Buffer> {
    try {
      yield* child.stdout
      // The pipe ends before git's exit code is known, and only that says whether what was printed is complete.
      const result = await end
      if (result.exitCode !== 0)
        throw new SlipwayError('internal', `git ${argv[0] ?? ''} failed: ${result.stderr.trim()}`)
    } finally {
      child.kill('SIGKILL')
    }
  }
  return Readable.from(checked(), { objectMode: false })
}

interface Started {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly end: Promise<{ readonly exitCode: number | null; readonly stderr: string }>
}

function startGit(argv: readonly string[], options: GitOptions): Started {
  const child = spawn('git', argv, {
    cwd: options.cwd,
    env: gitEnvironment(options),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const timeoutMs = options.timeoutMs ?? READ_TIMEOUT_MS
  let ended: SlipwayError | undefined
  const stop = (code: 'timed_out' | 'cancelled', message: string): void => {
    ended ??= new SlipwayError(code, message)
    child.kill('SIGKILL')
  }
  const timer = setTimeout(
    () => stop('timed_out', `git ${argv[0] ?? ''} took longer than ${timeoutMs / 1000} s`),
    timeoutMs,
  )
  const cancel = (): void => stop('cancelled', `git ${argv[0] ?? ''} was cancelled`)
  options.signal?.addEventListener('abort', cancel, { once: true })
  if (options.signal?.aborted === true) cancel()
  let stderr = Buffer.alloc(0)
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = Buffer.concat([stderr, chunk]).subarray(-STDERR_KEPT_BYTES)
  })
  const end = new Promise<{ exitCode: number | null; stderr: string }>((resolve, reject) => {
    child.once('error', (error) =>
      reject(new SlipwayError('internal', `git cannot be started: ${error.message}`, { cause: error })),
    )
    child.once('close', (exitCode) =>
      ended === undefined ? resolve({ exitCode, stderr: stderr.toString('utf8') }) : reject(ended),
    )
  }).finally(() => {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', cancel)
  })
  return { child, end }
}

function gitEnvironment(options: GitOptions): NodeJS.ProcessEnv {
  const config = Object.entries({ ...ALWAYS, ...options.config })
  const numbered = config.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  return {
    PATH: process.env['PATH'],
    LANG: 'C',
    // git wants a home; an empty one has no configuration and no credentials.
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    GIT_OPTIONAL_LOCKS: '0',
    // Names of files and refs mean themselves, never patterns.
    GIT_LITERAL_PATHSPECS: '1',
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(numbered),
    ...(options.gitDir === undefined ? {} : { GIT_DIR: options.gitDir }),
  }
}

const ALWAYS: Readonly<Record<string, string>> = {
  // A repository may name submodules and remotes of any kind; only what a caller allows is spoken.
  'protocol.allow': 'never',
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.quotePath': 'false',
  'fetch.fsckObjects': 'true',
  // Old histories hold dates and modes that fsck dislikes and that harm nobody.
  'fetch.fsck.zeroPaddedFilemode': 'ignore',
  'fetch.fsck.badTimezone': 'ignore',
  'fetch.fsck.missingSpaceBeforeDate': 'ignore',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'advice.detachedHead': 'false',
  // The mirror belongs to us even when another user of the same installation made it.
  'safe.directory': '*',
}
