import { z } from 'zod'
import type { BuildEventSink, BuildStep, BuildTracker } from './build-events.ts'
import type { DockerfileOutline } from './dockerfile-stages.ts'
import { locateClassicStep } from './locate-dockerfile-step.ts'

/**
 * The classic builder prints one text: step headings, its own remarks, and between them what programs print, where
 * stderr is wrapped in red.
 */
export function trackClassicBuild(outline: DockerfileOutline, emit: BuildEventSink, now: () => number): BuildTracker {
  const steps: BuildStep[] = []
  let imageId: string | undefined
  let error: ReturnType<BuildTracker['error']>
  let startedAt = now()
  let cached = false
  const finish = (failed: boolean): void => {
    const step = steps.at(-1)
    if (step === undefined || step.durationMs !== undefined) return
    const finished = { ...step, cached, failed, durationMs: now() - startedAt }
    steps[steps.length - 1] = finished
    emit({ kind: 'step_finished', step: finished.number, cached, durationMs: finished.durationMs, failed })
  }
  const accept = (raw: unknown): void => {
    const item = classicItem.parse(raw)
    imageId = item.aux?.ID ?? imageId
    if (item.error !== undefined) {
      error = { message: item.error, exitCode: item.errorDetail?.code }
      finish(true)
    }
    if (item.stream === undefined) return
    const heading = /^Step (\d+)\/\d+ : (.*)$/s.exec(item.stream)
    if (heading !== null) {
      finish(false)
      startedAt = now()
      cached = false
      const number = Number(heading[1])
      const name = item.stream.trimEnd()
      steps.push({
        number,
        name,
        cached: false,
        durationMs: undefined,
        failed: false,
        lines: locateClassicStep(outline, number),
      })
      emit({ kind: 'step_started', step: number, name })
    } else if (/^ ---> Using cache$/m.test(item.stream)) {
      cached = true
    } else if (item.stream.startsWith('Successfully built ')) {
      finish(false)
    } else if (!REMARK.test(item.stream)) {
      emitOutput(item.stream, steps.at(-1)?.number ?? 0, emit)
    }
  }
  return { accept, steps: () => steps, imageId: () => imageId, error: () => error }
}

const REMARK = /^( ---> |Removing intermediate container |Successfully (built|tagged) |\n$)/
// The builder wraps stderr in red, each write by itself.
const RED = '\u001b[91m'
const PLAIN = '\u001b[0m'

function emitOutput(text: string, step: number, emit: BuildEventSink): void {
  const stderr = text.startsWith(RED) && text.endsWith(PLAIN)
  const printed = stderr ? text.slice(RED.length, -PLAIN.length) : text
  emit({ kind: 'output', step, stream: stderr ? 'stderr' : 'stdout', bytes: Buffer.from(printed) })
}

const classicItem = z.object({
  stream: z.string().optional(),
  error: z.string().optional(),
  errorDetail: z.object({ code: z.number().optional() }).optional(),
  aux: z.object({ ID: z.string().optional() }).optional(),
})
