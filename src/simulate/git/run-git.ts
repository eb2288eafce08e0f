/** Runs git as a child process: never a shell, never the machine's own configuration, never a prompt. */
import { execFile } from 'node:child_process'

export interface GitOutcome {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: string
}

/** Longest a single git command may take: repositories here are small, so a longer one is stuck. Milliseconds. */
const commandTimeout = 60_000
/** The largest answer read into memory, an archive or a blob. Bytes. */
const maxOutput = 256 * 1024 * 1024

export function gitEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'Simulated GitHub',
    GIT_AUTHOR_EMAIL: 'noreply@localhost.invalid',
    GIT_COMMITTER_NAME: 'Simulated GitHub',
    GIT_COMMITTER_EMAIL: 'noreply@localhost.invalid',
    LC_ALL: 'C',
  }
}

/** Resolves with the exit code, whatever it is; rejects only when git cannot be started or is stuck. */
export function tryGit(directory: string, args: readonly string[], input?: Buffer): Promise<GitOutcome> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      'git',
      args,
      { cwd: directory, env: gitEnvironment(), encoding: 'buffer', maxBuffer: maxOutput, timeout: commandTimeout },
      (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number') reject(error)
        else resolve({ code: Number(error?.code ?? 0), stdout, stderr: stderr.toString() })
      },
    )
    // git may end before it has read all input; the exit code tells what happened.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}

/** The command's output; rejects when it fails. */
export async function git(directory: string, args: readonly string[], input?: Buffer): Promise<Buffer> {
  const outcome = await tryGit(directory, args, input)
  if (outcome.code !== 0) throw new Error(`git ${args[0] ?? ''} failed (${outcome.code}): ${outcome.stderr.trim()}`)
  return outcome.stdout
}
