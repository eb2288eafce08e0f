/**
 * One container from creation to its exit code. Order matters: attach, then start, or the first lines are lost. The same
 * way serves a container started here and one found after a restart; nothing is ever started twice.
 */
import { z } from 'zod'
import { attachOutput, LOG_START, readOutput } from './container-logs.ts'
import type { LogPosition } from './container-logs.ts'
import { containerBody } from './container-options.ts'
import type { ContainerSpec } from './container-options.ts'
import { inspectContainer } from './container-state.ts'
import type { OutputSink } from './demultiplex.ts'
import { engineFailure } from './engine-error.ts'
import { segment } from './engine.ts'
import type { DockerEngine } from './engine.ts'
import { followToEnd, untilHostAnswers } from './follow-container.ts'
import type { ContainerEnd, Course, FollowOptions } from './follow-container.ts'

export type { ContainerEnd, FollowOptions } from './follow-container.ts'

export type CreateResult =
  | { readonly kind: 'created'; readonly id: string }
  | { readonly kind: 'missing_image'; readonly image: string }
  /** The name is taken; after a crash that is the container made before it. */
  | { readonly kind: 'name_taken'; readonly message: string }
  /** The Engine does not accept the request, such as a runtime it does not have. */
  | { readonly kind: 'refused'; readonly message: string }

export async function createContainer(engine: DockerEngine, spec: ContainerSpec, name?: string): Promise<CreateResult> {
  try {
    const answer = await engine.call({
      method: 'POST',
      path: '/containers/create',
      query: { name },
      body: containerBody(spec),
    })
    return { kind: 'created', id: createAnswer.parse(answer).Id }
  } catch (thrown) {
    const failure = engineFailure(thrown)
    if (failure.kind === 'not_found') return { kind: 'missing_image', image: spec.image }
    if (failure.kind === 'conflict') return { kind: 'name_taken', message: failure.message }
    if (failure.kind === 'refused') return { kind: 'refused', message: failure.message }
    throw thrown
  }
}

/** Starts a container made before and follows it to its end. */
export function startContainer(
  engine: DockerEngine,
  id: string,
  sink: OutputSink,
  options: FollowOptions = {},
): Promise<ContainerEnd> {
  return explained(options, () =>
    startAndFollow(engine, id, { reading: readOutput(LOG_START, sink), hostWasAway: false }, options),
  )
}

/**
 * Takes over a container that an earlier process started: its output after `from`, then its true exit code, however
 * long ago it ended. One that was created and never started is started now.
 */
export function adoptContainer(
  engine: DockerEngine,
  id: string,
  from: LogPosition,
  sink: OutputSink,
  options: FollowOptions = {},
): Promise<ContainerEnd> {
  return explained(options, () =>
    takeOver(engine, id, { reading: readOutput(from, sink), hostWasAway: false }, options),
  )
}

async function startAndFollow(
  engine: DockerEngine,
  id: string,
  course: Course,
  options: FollowOptions,
): Promise<ContainerEnd> {
  const output = await attachOutput(engine, id)
  // Read before there is anything to read: what waits in the connection would hold the container back.
  const drained = course.reading.drain(output)
  try {
    await engine.call({ method: 'POST', path: `/containers/${segment(id)}/start` })
  } catch (thrown) {
    output.destroy()
    const failure = engineFailure(thrown)
    // 400 speaks of the command, the user or the folder; everything else is the host's own trouble.
    if (failure.kind === 'refused' && failure.status === 400) return { kind: 'start_failed', message: failure.message }
    if (failure.kind !== 'unreachable') throw thrown
    // The answer was lost; the container may run or not.
    await untilHostAnswers(engine, options)
    return takeOver(engine, id, { ...course, hostWasAway: true }, options)
  }
  return followToEnd(engine, id, course, { output, drained }, options)
}

async function takeOver(
  engine: DockerEngine,
  id: string,
  course: Course,
  options: FollowOptions,
): Promise<ContainerEnd> {
  const state = await inspectContainer(engine, id)
  if (state === undefined) return { kind: 'infrastructure', message: 'the container is gone' }
  if (state.status === 'created') return startAndFollow(engine, id, course, options)
  return followToEnd(engine, id, course, undefined, options)
}

/** A host's failure is a result here, since the caller reports it and may try elsewhere. */
async function explained(options: FollowOptions, work: () => Promise<ContainerEnd>): Promise<ContainerEnd> {
  if (isCancelled(options)) return { kind: 'cancelled' }
  try {
    return await work()
  } catch (thrown) {
    const failure = engineFailure(thrown)
    if (isCancelled(options)) return { kind: 'cancelled' }
    return { kind: 'infrastructure', message: failure.message }
  }
}

function isCancelled(options: FollowOptions): boolean {
  return options.signal?.aborted === true
}

const createAnswer = z.object({ Id: z.string() })
