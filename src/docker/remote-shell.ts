import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import PQueue from 'p-queue'
import type { Client, SFTPWrapper } from 'ssh2'
import { SlipwayError, errorMessage } from '../core/errors.ts'
import type { SshConnection } from './ssh-connection.ts'

export interface RemoteCommandResult {
  /** Undefined when a signal ended the command. */
  readonly exitCode: number | undefined
  /** Standard output and error in order of arrival, the last 64 KiB of them. */
  readonly output: string
}

export interface RemoteShell {
  /** Runs one command; each argument arrives as it is, whatever characters it holds. */
  exec(argv: readonly [string, ...string[]], options?: { readonly timeoutMs?: number }): Promise<RemoteCommandResult>
  /** Puts a file in place in one step: readers see the old bytes or the new ones. */
  upload(
    path: string,
    content: Readable,
    options?: { readonly mode?: number; readonly timeoutMs?: number },
  ): Promise<void>
}

const COMMAND_TIMEOUT_MS = 5 * 60_000
const UPLOAD_TIMEOUT_MS = 10 * 60_000
const OUTPUT_KEPT_BYTES = 64 * 1024

/** OpenSSH allows ten sessions on one connection and refuses more; the Engine's calls are none. */
const CONCURRENT_SESSIONS = 8

export function remoteShell(ssh: SshConnection): RemoteShell {
  const sessions = new PQueue({ concurrency: CONCURRENT_SESSIONS })
  return {
    exec: (argv, options = {}) =>
      sessions.add(async () =>
        within(
          options.timeoutMs ?? COMMAND_TIMEOUT_MS,
          runCommand(await login(ssh), argv.map(quoteArgument).join(' ')),
        ),
      ),
    upload: (path, content, options = {}) =>
      sessions.add(async () =>
        within(
          options.timeoutMs ?? UPLOAD_TIMEOUT_MS,
          uploadFile(await login(ssh), path, content, options.mode ?? 0o644),
        ),
      ),
  }
}

/** SSH hands a command to the user's login shell as one string; inside single quotes POSIX shells interpret nothing. */
export function quoteArgument(argument: string): string {
  return `'${argument.replaceAll("'", `'\\''`)}'`
}

async function login(ssh: SshConnection): Promise<Client> {
  try {
    return await ssh.client()
  } catch (thrown) {
    throw new SlipwayError('host_unreachable', `SSH: ${errorMessage(thrown)}`, { cause: thrown })
  }
}

function runCommand(client: Client, command: string): Cancellable<RemoteCommandResult> {
  let cancel = (): void => undefined
  const done = new Promise<RemoteCommandResult>((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error !== undefined) return reject(error)
      cancel = () => channel.close()
      let kept = Buffer.alloc(0)
      let exitCode: number | undefined
      const keep = (chunk: Buffer): void => {
        kept = Buffer.concat([kept, chunk]).subarray(-OUTPUT_KEPT_BYTES)
      }
      channel.on('data', keep)
      channel.stderr.on('data', keep)
      channel.on('exit', (code: number | null) => {
        exitCode = code ?? undefined
      })
      channel.on('close', () => resolve({ exitCode, output: kept.toString('utf8') }))
      channel.on('error', reject)
    })
  })
  return { done, cancel: () => cancel() }
}

function uploadFile(client: Client, path: string, content: Readable, mode: number): Cancellable<void> {
  let open: SFTPWrapper | undefined
  const transfer = async (): Promise<void> => {
    const sftp = await new Promise<SFTPWrapper>((resolve, reject) =>
      client.sftp((error, wrapper) => (error === undefined ? resolve(wrapper) : reject(error))),
    )
    open = sftp
    const temporary = `${path}.${randomBytes(6).toString('hex')}.partial`
    try {
      await pipeline(content, sftp.createWriteStream(temporary, { mode }))
      await settled((done) => sftp.ext_openssh_rename(temporary, path, done))
    } catch (thrown) {
      await settled((done) => sftp.unlink(temporary, done)).catch(() => undefined)
      throw new SlipwayError('host_refused', `cannot write ${path} on the host: ${errorMessage(thrown)}`, {
        cause: thrown,
      })
    } finally {
      sftp.end()
    }
  }
  return {
    done: transfer(),
    cancel: () => {
      content.destroy(new Error('the upload took too long'))
      open?.end()
    },
  }
}

function settled(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) =>
    start((error) => (error === undefined || error === null ? resolve() : reject(error))),
  )
}

interface Cancellable<T> {
  readonly done: Promise<T>
  cancel(): void
}

async function within<T>(timeoutMs: number, work: Cancellable<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      work.cancel()
      reject(new SlipwayError('host_unreachable', `the host did not finish within ${timeoutMs / 1000} s`))
    }, timeoutMs)
  })
  try {
    return await Promise.race([work.done, limit])
  } finally {
    clearTimeout(timer)
  }
}
