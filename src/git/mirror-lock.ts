/**
 * One writer per mirror, also across processes and containers that share the data directory. git's own *.lock files
 * guard single files, not the making of a mirror, and they stay behind after kill -9. The kernel's file lock is dropped
 * with its holder; Node cannot take one, so flock(1) does, around a `cat` that lives as long as our end of its pipe:
 * when this process dies in any way, the pipe closes, `cat` ends and the next in line holds the lock.
 *
 * What is not covered is a git that outlives a killed Slipway. Its writes are complete files under names made from
 * their content, so that a second writer beside it does no harm.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SlipwayError } from '../core/errors.ts'

/** Longer than the longest fetch: whoever holds a lock past this hangs. */
const LOCK_WAIT_SECONDS = 15 * 60

export async function withMirrorLock<T>(mirror: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(mirror), { recursive: true })
  const holder = spawn('flock', ['-x', '-w', String(LOCK_WAIT_SECONDS), `${mirror}.lock`, 'cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const ended = new Promise<never>((_resolve, reject) => {
    holder.once('error', (error) =>
      reject(
        new SlipwayError('internal', `flock cannot be started: ${error.message}`, { remedy: 'install util-linux' }),
      ),
    )
    holder.once('exit', () =>
      reject(new SlipwayError('internal', 'the mirror of this repository is held by another process for too long')),
    )
  })
  ended.catch(() => undefined)
  // Written into a pipe whose reader may have died; `ended` tells that.
  holder.stdin.on('error', () => undefined)
  holder.stdin.write('held\n')
  await Promise.race([once(holder.stdout, 'data'), ended])
  try {
    return await work()
  } finally {
    holder.stdin.end()
  }
}
