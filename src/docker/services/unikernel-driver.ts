/**
 * Unikernels: the image is only the parcel. One file is taken out of it, copied to the host over SSH under the name of
 * the service, and a command of the admin's puts it in place. The host tells nothing of what runs, so the command's
 * word is all there is: it has to end with 0 only when the unikernel runs.
 */
import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import tar from 'tar-stream'
import { z } from 'zod'
import { SlipwayError, errorMessage } from '../../core/errors.ts'
import type { UnikernelHostConfig } from '../../config/server-config.ts'
import type { Hand, Rollout, RollOutcome, ServiceDriver } from '../../deployment/ports.ts'
import type { FailureKind } from '../../deployment/index.ts'
import { imageReference } from '../../deployment/index.ts'
import { redeployCommand, unikernelFile, unikernelPath } from '../../deployment/index.ts'
import { segment, type DockerEngine } from '../engine.ts'
import { engineFailure } from '../engine-error.ts'
import { ownershipLabels } from '../labels.ts'
import type { RemoteShell } from '../remote-shell.ts'
import { removeContainer } from '../stop-container.ts'

export interface UnikernelDriverOptions {
  readonly instance: string
  /** The Engine that has the image, by the host's name. */
  readonly engineOf: (host: string) => DockerEngine
  readonly shell: RemoteShell
  readonly config: UnikernelHostConfig
}

export function createUnikernelDriver({ instance, engineOf, shell, config }: UnikernelDriverOptions): ServiceDriver {
  async function roll(rollout: Rollout, hand: Hand): Promise<RollOutcome> {
    const command = redeployCommand(config, rollout.name)
    const path = unikernelPath(config, rollout)
    if (command === null || path === null)
      return failed('not_allowed', `${JSON.stringify(rollout.name)} is no name for a unikernel`)
    try {
      await withFile(rollout, async (content) => shell.upload(path, content, { mode: 0o644 }))
    } catch (thrown) {
      return failed('image_missing', errorMessage(thrown))
    }
    hand.note(`copied ${path}`)
    hand.signal.throwIfAborted()
    const { exitCode, output } = await shell.exec(command, { timeoutMs: rollout.deadlineMs })
    const logTail = output.trimEnd().split('\n').filter(Boolean).slice(-50)
    if (exitCode === 0) return { kind: 'rolled', warnings: [] }
    const cause = `${command.join(' ')} ended with exit code ${exitCode ?? 'none'}`
    return { kind: 'failed', failure: { kind: 'crashed', cause, exitCode: exitCode ?? null, logTail } }
  }

  /** The file out of a container that is made of the image and never started. */
  async function withFile(rollout: Rollout, use: (content: Readable) => Promise<void>): Promise<void> {
    const engine = engineOf(rollout.image.host)
    const file = unikernelFile(rollout)
    const body = {
      Image: imageReference(rollout.image),
      Cmd: ['none'],
      Labels: ownershipLabels('container', { instance, run: rollout.runId }),
    }
    const { Id } = created.parse(await engine.call({ method: 'POST', path: '/containers/create', body }))
    try {
      const archive = await engine
        .stream({ method: 'GET', path: `/containers/${Id}/archive`, query: { path: file } })
        .catch((thrown: unknown) => {
          if (engineFailure(thrown).kind !== 'not_found') throw thrown
          throw new SlipwayError('not_found', `the image has no file ${file}`)
        })
      await firstFile(archive, use)
    } finally {
      await removeContainer(engine, segment(Id))
    }
  }

  return {
    kind: 'unikernel',
    roll,
    look: () => Promise.resolve({ kind: 'running' }),
    settle: () => Promise.resolve(),
    // What runs there was put in place by the admin's command, and only an admin can end it.
    remove: () => Promise.resolve(),
  }
}

async function firstFile(archive: Readable, use: (content: Readable) => Promise<void>): Promise<void> {
  const extract = tar.extract()
  let isUsed = false
  extract.on('entry', (header, content, next) => {
    if (header.type !== 'file' || isUsed) {
      content.resume()
      content.on('end', next)
      return
    }
    isUsed = true
    const copy = new PassThrough()
    Promise.all([pipeline(content, copy), use(copy)]).then(
      () => next(),
      (error: unknown) => next(error instanceof Error ? error : new Error(errorMessage(error))),
    )
  })
  await pipeline(archive, extract)
  if (!isUsed) throw new SlipwayError('not_found', 'the unikernel in the image is no plain file')
}

function failed(kind: FailureKind, cause: string): RollOutcome {
  return { kind: 'failed', failure: { kind, cause, exitCode: null, logTail: [] } }
}

const created = z.object({ Id: z.string() })
