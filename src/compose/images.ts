/** Image builds as a feature of the process: the check `deployability`. */
import { setTimeout as delay } from 'node:timers/promises'
import { errorMessage } from '../core/errors.ts'
import { createMasker } from '../core/mask-secrets.ts'
import type { LogSource } from '../core/run-log.ts'
import type { HostConfig } from '../config/server-config.ts'
import {
  runDeployability,
  type DeployabilityPlan,
  type ImageBuilder,
  type ImageRecordStore,
  type RunLog,
} from '../images/index.ts'
import { deployabilityJob, deployabilityPlanner, DEPLOYABILITY_JOB, type HostCapacity } from '../flow/plan-images.ts'
import { runHandler } from '../flow/perform-run.ts'
import { deployabilityEnd, deployabilityProgress } from '../report/deployability-words.ts'
import { queuedCheck } from '../report/run-words.ts'
import { createImageRecordStore } from '../store/image-records.ts'
import { createImageBuilder, createImagePublisher } from './image-builder.ts'
import type { Feature } from './feature.ts'
import type { Foundation } from './foundation.ts'

const QUEUED = queuedCheck('The build of the images')

export interface ImageParts {
  readonly builder: ImageBuilder
  readonly records: ImageRecordStore
}

export function createImagesFeature(base: Foundation): { readonly feature: Feature; readonly parts: ImageParts } {
  const builder = createImageBuilder(base)
  const records = createImageRecordStore(base.db)
  const hostsOf = (names: readonly string[]): readonly HostCapacity[] => buildHosts(base, names)
  const deps = {
    runs: base.runs,
    builder,
    records,
    publisher: createImagePublisher(base),
    openLog: (runId: string) => openRunLog(base, runId),
    clock: base.clock,
    // A pause that was cut short is over, nothing else.
    pause: (ms: number, signal: AbortSignal) => delay(ms, undefined, { signal }).catch(() => undefined),
    words: { progress: deployabilityProgress, end: deployabilityEnd },
  }
  const handler = runHandler(
    {
      runs: base.runs,
      repositories: base.repositories,
      detailsUrl: base.detailsUrl,
      startedCheck: () => ({
        ...QUEUED,
        status: 'in_progress',
        output: { ...QUEUED.output, title: 'Looking for images that are already built' },
      }),
    },
    async ({ run, ...work }) => {
      await runDeployability(deps, { ...work, run, plan: planOf(run.plan) })
    },
  )
  return {
    parts: { builder, records },
    feature: {
      planners: [deployabilityPlanner(hostsOf)],
      handlers: { [DEPLOYABILITY_JOB]: handler },
      runKinds: {
        deployability: {
          queuedCheck: () => QUEUED,
          withoutCache: (run) => ({ ...planOf(run.plan), useCache: false }),
          jobOf(_run, plan) {
            const targets = planOf(plan).targets.map((target) => target.host)
            return deployabilityJob(planOf(plan), hostsOf(targets), 1_000)
          },
        },
      },
    },
  }
}

/** A plan comes back from the database as our own planner wrote it. */
function planOf(plan: unknown): DeployabilityPlan {
  return plan as DeployabilityPlan
}

export function buildHosts(base: Foundation, names: readonly string[]): readonly HostCapacity[] {
  return names
    .map((name) => base.hosts.configs.find((host) => host.name === name))
    .filter((host): host is HostConfig => host !== undefined)
}

const OWN_OUTPUT: LogSource = { step: '', out: 'out' }
/** A build that prints more keeps its head and its tail. */
const BUILD_LOG_BYTES = 50 * 1024 * 1024

/** The run's log for work that tells about itself in lines and bytes; order is kept, nothing waits for the disk. */
export async function openRunLog(base: Foundation, runId: string): Promise<RunLog> {
  const writer = await base.logs.open(runId, { masker: createMasker([]), limitBytes: BUILD_LOG_BYTES })
  let pending: Promise<unknown> = Promise.resolve()
  const inTurn = (write: () => Promise<unknown>): void => {
    // A log that cannot be written must not end the run, let alone the process.
    pending = pending.then(write).catch((error: unknown) => {
      base.logger.warn({ runId, err: errorMessage(error) }, 'a line of a log could not be written')
    })
  }
  return {
    note: (text) => inTurn(() => writer.note(text)),
    write: (bytes) => inTurn(() => writer.write(OWN_OUTPUT, Buffer.from(bytes))),
    async tail(lines) {
      await pending
      await writer.flush()
      return (await base.logs.tail(runId, lines)).map((line) => line.text)
    },
    async close() {
      await pending
      await writer.end(OWN_OUTPUT)
      await writer.seal()
    },
  }
}
