/**
 * The loop that turns jobs into work. Every process runs it; PostgreSQL decides who gets what.
 *
 * Jobs are taken in lanes of this process (deliveries, reports, runs, chores), each a p-queue with its own
 * concurrency, so that a long image build never keeps a webhook waiting. A lane claims only as many jobs as it has
 * free places. It wakes by NOTIFY, by a place becoming free, by the time of the next delayed job, and in any case
 * every few seconds, because a notification is only a hint.
 */
import PQueue from 'p-queue'
import type { Clock } from '../core/clock.ts'
import { ERROR_TABLE, errorCode, errorMessage } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { ClaimedJob, JobHandlers, JobOutcome, JobStore } from './ports.ts'
import { countsAsAttempt, MAX_ATTEMPTS, retryDelayMs } from '../core/retry.ts'

/** Polling is the truth, NOTIFY the hint: a lost hint costs at most this long. */
const POLL_INTERVAL_MS = 5_000
/** How often this process looks for jobs that the database thinks it has. */
const GIVE_BACK_INTERVAL_MS = 5_000
/** A claim that was answered is in hand long before this, even on a busy event loop. */
const CLAIM_SETTLES_MS = 10_000
/** What waits for GitHub or for a host asks again after this, and up to as much again by chance. */
const OUTAGE_WAIT_MS = 2_000
/** After a failed claim (database away) the next try waits this long. */
const CLAIM_RETRY_MS = 1_000

export interface LaneOptions {
  readonly name: string
  readonly kinds: readonly string[]
  /** Jobs of this lane at once in this process. */
  readonly concurrency: number
}

export interface WorkerOptions {
  readonly processId: string
  readonly store: JobStore
  readonly handlers: JobHandlers
  readonly lanes: readonly LaneOptions[]
  readonly subscribe: (wake: () => void) => () => void
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
}

export interface Worker {
  /** Jobs in hand, by kind. */
  inHand(): readonly { readonly jobId: string; readonly kind: string }[]
  /** Takes no more jobs, waits up to `graceMs` for those in hand, then aborts them and waits for their end. */
  stop(graceMs: number): Promise<void>
}

export function startWorker(options: WorkerOptions): Worker {
  const abort = new AbortController()
  const inHand = new Map<string, ClaimedJob>()
  const lanes = options.lanes.map((lane) => startLane(lane, options, inHand, abort.signal))
  const unsubscribe = options.subscribe(() => lanes.forEach((lane) => lane.wake()))
  const giveBack = setInterval(() => void giveBackForgotten(options, [...inHand.keys()]), GIVE_BACK_INTERVAL_MS)
  return {
    inHand: () => [...inHand.values()].map((job) => ({ jobId: job.id, kind: job.kind })),
    async stop(graceMs) {
      unsubscribe()
      lanes.forEach((lane) => lane.close())
      const idle = Promise.all(lanes.map((lane) => lane.onIdle()))
      const timer = setTimeout(() => abort.abort(new Error('the process is stopping')), graceMs)
      await idle
      clearTimeout(timer)
      clearInterval(giveBack)
    },
  }
}

/**
 * A claim whose answer was lost, or an end that could not be written while the database was away: the job counts as ours
 * and our heartbeat is fresh, so no reaper would ever free it.
 */
async function giveBackForgotten(options: WorkerOptions, inHand: readonly string[]): Promise<void> {
  try {
    const given = await options.store.giveBack(options.processId, inHand, CLAIM_SETTLES_MS)
    if (given > 0) options.logger.warn({ jobs: given }, 'gave back jobs whose claim or end was not recorded')
  } catch (error) {
    options.logger.debug({ err: errorMessage(error) }, 'could not look for jobs that were not recorded')
  }
}

interface Lane {
  wake(): void
  close(): void
  onIdle(): Promise<void>
}

function startLane(
  lane: LaneOptions,
  options: WorkerOptions,
  inHand: Map<string, ClaimedJob>,
  signal: AbortSignal,
): Lane {
  const queue = new PQueue({ concurrency: lane.concurrency })
  let isClosed = false
  let isClaiming = false
  let isWanted = false
  let timer: NodeJS.Timeout | undefined

  const free = (): number => lane.concurrency - queue.pending - queue.size

  async function fill(): Promise<void> {
    // One claim at a time; a wake during a claim makes one more, so that nothing announced meanwhile is missed.
    if (isClaiming) {
      isWanted = true
      return
    }
    isClaiming = true
    try {
      do {
        isWanted = false
        const wanted = free()
        if (isClosed || wanted <= 0) break
        const jobs = await options.store.claim(options.processId, lane.kinds, wanted)
        for (const job of jobs) void queue.add(() => work(job)).then(wake)
        if (jobs.length === wanted) isWanted = true
      } while (isWanted)
      await sleepUntilNext()
    } catch (error) {
      options.logger.warn({ lane: lane.name, err: errorMessage(error) }, 'cannot claim jobs')
      schedule(CLAIM_RETRY_MS)
    } finally {
      isClaiming = false
    }
    if (isWanted) wake()
  }

  async function sleepUntilNext(): Promise<void> {
    if (isClosed || free() <= 0) return
    const next = await options.store.untilNext(lane.kinds)
    schedule(Math.min(POLL_INTERVAL_MS, Math.max(0, next ?? POLL_INTERVAL_MS)))
  }

  function schedule(delayMs: number): void {
    clearTimeout(timer)
    if (!isClosed) timer = setTimeout(wake, delayMs)
  }

  function wake(): void {
    void fill()
  }

  async function work(job: ClaimedJob): Promise<void> {
    inHand.set(job.id, job)
    try {
      await settle(job, await perform(job, options, signal), options)
    } catch (error) {
      // The outcome could not be written: the job is given back when it is no longer in hand.
      options.logger.warn(
        { job: job.kind, jobId: job.id, err: errorMessage(error) },
        'the end of a job was not recorded',
      )
    } finally {
      inHand.delete(job.id)
    }
  }

  schedule(0)
  return {
    wake,
    close() {
      isClosed = true
      clearTimeout(timer)
    },
    onIdle: () => queue.onIdle(),
  }
}

async function perform(job: ClaimedJob, options: WorkerOptions, signal: AbortSignal): Promise<JobOutcome> {
  const handler = options.handlers[job.kind]
  if (handler === undefined) return { kind: 'park', cause: `no handler for jobs of kind ${job.kind}` }
  try {
    return await handler.handle(job, signal)
  } catch (error) {
    const code = errorCode(error)
    if (signal.aborted || code === 'lease_lost') return { kind: 'wait', delayMs: 0, cause: errorMessage(error) }
    const { fault } = ERROR_TABLE[code]
    options.logger.error({ job: job.kind, jobId: job.id, code, err: error }, 'a job failed')
    return countsAsAttempt(fault, code)
      ? { kind: 'retry', cause: errorMessage(error) }
      : { kind: 'wait', cause: errorMessage(error), delayMs: OUTAGE_WAIT_MS * (1 + options.random()) }
  }
}

async function settle(job: ClaimedJob, outcome: JobOutcome, options: WorkerOptions): Promise<void> {
  const { store } = options
  switch (outcome.kind) {
    case 'done':
      await store.complete(job.lease)
      return
    case 'wait':
      await store.retry(job.lease, outcome.delayMs, outcome.cause, false)
      return
    case 'retry': {
      if (job.attempts + 1 >= MAX_ATTEMPTS) return await giveUp(job, outcome.cause, options)
      await store.retry(job.lease, outcome.delayMs ?? retryDelayMs(job.attempts, options.random()), outcome.cause, true)
      return
    }
    case 'park':
      return await giveUp(job, outcome.cause, options)
  }
}

async function giveUp(job: ClaimedJob, cause: string, options: WorkerOptions): Promise<void> {
  options.logger.error({ job: job.kind, jobId: job.id, cause }, 'a job was parked')
  // People are told first: if this process dies in between, the job comes back and tells them again.
  await options.handlers[job.kind]?.onParked?.(job.payload, cause)
  await options.store.park(job.lease, cause)
}
