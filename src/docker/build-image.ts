/**
 * One image build through the Engine's API, by BuildKit over plain HTTP without a session, or by the classic builder
 * where an Engine has no BuildKit. The Engine answers 200 as soon as it begins and cuts nothing short when it fails,
 * so the items of the stream alone say how it went. Ending the request ends the running step.
 */
import type { Readable } from 'node:stream'
import { baseImages, outlineDockerfile } from './dockerfile-stages.ts'
import type { DockerfileOutline } from './dockerfile-stages.ts'
import type { BuildEventSink, BuildStep, BuildTracker } from './build-events.ts'
import { buildRequest } from './build-request.ts'
import type { Builder, ImageBuildOptions } from './build-request.ts'
import type { DockerEngine } from './engine.ts'
import { engineFailure } from './engine-error.ts'
import { explainBuildFailure } from './explain-build-failure.ts'
import type { BuildFailure } from './explain-build-failure.ts'
import { parseImageReference } from './image-reference.ts'
import { inspectImage, pullImage } from './images.ts'
import { readJsonLines } from './json-lines.ts'
import { trackBuildkitBuild } from './track-buildkit-build.ts'
import { trackClassicBuild } from './track-classic-build.ts'

export interface ImageBuild extends ImageBuildOptions {
  readonly dockerfileText: string
  /** Opened once for each try. */
  readonly openContext: () => Readable
  readonly builder: Builder
  /** False refuses `# syntax=` lines: they make the Engine fetch and run a program of the author's choice. */
  readonly allowFrontends: boolean
}

export interface BuildControl {
  readonly emit: BuildEventSink
  readonly signal?: AbortSignal | undefined
  readonly deadlineMs: number
}

export type ImageBuildResult =
  | { readonly kind: 'built'; readonly imageId: string; readonly steps: readonly BuildStep[] }
  | ({ readonly kind: 'failed'; readonly steps: readonly BuildStep[] } & BuildFailure)
  | { readonly kind: 'aborted' }
  | { readonly kind: 'timed_out'; readonly step: string | undefined }
  | { readonly kind: 'infrastructure'; readonly message: string }

export async function buildImage(
  engine: DockerEngine,
  build: ImageBuild,
  control: BuildControl,
): Promise<ImageBuildResult> {
  const outline = outlineDockerfile(build.dockerfileText, build.args)
  if (outline.syntax !== undefined && !build.allowFrontends) return refusedFrontend(outline.syntax)
  const deadline = AbortSignal.timeout(control.deadlineMs)
  const signal = control.signal === undefined ? deadline : AbortSignal.any([control.signal, deadline])
  let tracker: BuildTracker | undefined
  try {
    if (build.builder === 'buildkit') await pullPrivateBases(engine, build, outline, control, signal)
    tracker = newTracker(build.builder, outline, control)
    let refusal = await runBuild(engine, build, build.builder, tracker, signal)
    if (refusal !== undefined && build.builder === 'buildkit' && BUILDKIT_MISSING.test(refusal)) {
      control.emit({ kind: 'note', text: 'this host has no BuildKit; the classic builder takes over' })
      tracker = newTracker('classic', outline, control)
      refusal = await runBuild(engine, build, 'classic', tracker, signal)
    }
    return conclude(outline, tracker, refusal)
  } catch (thrown) {
    if (control.signal?.aborted === true) return { kind: 'aborted' }
    if (deadline.aborted)
      return { kind: 'timed_out', step: tracker?.steps().findLast((step) => step.durationMs === undefined)?.name }
    return { kind: 'infrastructure', message: engineFailure(thrown).message }
  }
}

const BUILDKIT_MISSING =
  /buildkit.*(?:not supported|not enabled|disabled|unavailable)|(?:unsupported|unknown|invalid).*(?:builder )?version/i

function newTracker(builder: Builder, outline: DockerfileOutline, control: BuildControl): BuildTracker {
  return builder === 'buildkit'
    ? trackBuildkitBuild(outline, control.emit)
    : trackClassicBuild(outline, control.emit, () => performance.now())
}

/** The Engine's sentence when it refuses before it begins, as it does with a Dockerfile that it cannot parse. */
async function runBuild(
  engine: DockerEngine,
  build: ImageBuild,
  builder: Builder,
  tracker: BuildTracker,
  signal: AbortSignal,
): Promise<string | undefined> {
  const context = build.openContext()
  try {
    // The answer begins after the context has been sent, which is as large as it is; the deadline limits both.
    const stream = await engine.stream(buildRequest(build, builder), { timeoutMs: 0, signal, upload: context })
    for await (const item of readJsonLines(stream)) tracker.accept(item)
    return undefined
  } catch (thrown) {
    const failure = engineFailure(thrown)
    if (failure.kind === 'unreachable' || failure.kind === 'cancelled') throw thrown
    return failure.message
  } finally {
    context.destroy()
  }
}

function conclude(outline: DockerfileOutline, tracker: BuildTracker, refusal: string | undefined): ImageBuildResult {
  const error = refusal === undefined ? tracker.error() : { message: refusal, exitCode: undefined }
  const imageId = tracker.imageId()
  if (error === undefined) {
    if (imageId === undefined)
      return {
        kind: 'infrastructure',
        message: 'the Docker host ended the build without an image and without an error',
      }
    return { kind: 'built', imageId, steps: tracker.steps() }
  }
  const trouble = explainBuildFailure(outline, tracker.steps(), error)
  if (trouble.kind === 'infrastructure') return trouble
  return { kind: 'failed', ...trouble.failure, steps: tracker.steps() }
}

/** BuildKit asks for registry logins over a session, which a plain request has not; a base that is there is not fetched. */
async function pullPrivateBases(
  engine: DockerEngine,
  build: ImageBuild,
  outline: DockerfileOutline,
  control: BuildControl,
  signal: AbortSignal,
): Promise<void> {
  const { logins = {} } = build
  for (const base of baseImages(outline)) {
    if (logins[parseImageReference(base).registry] === undefined || (await inspectImage(engine, base)) !== undefined)
      continue
    const pulled = await pullImage(engine, base, {
      logins,
      signal,
      ...(build.platform === undefined ? {} : { platform: build.platform }),
    })
    // The build fails on the same image next and says so at its line.
    if (pulled.kind !== 'pulled') control.emit({ kind: 'note', text: `${base}: ${pulled.message}` })
  }
}

function refusedFrontend(syntax: string): ImageBuildResult {
  return {
    kind: 'failed',
    reason: 'frontend_refused',
    message: `the line "# syntax=${syntax}" would fetch and run another Dockerfile frontend, which is not allowed for this build`,
    step: undefined,
    exitCode: undefined,
    lines: { start: 1, end: 1 },
    steps: [],
  }
}
