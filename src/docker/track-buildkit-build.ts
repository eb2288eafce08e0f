import { z } from 'zod'
import type { BuildEventSink, BuildStep, BuildTracker } from './build-events.ts'
import { decodeBuildkitStatus } from './buildkit-progress.ts'
import type { BuildkitVertex } from './buildkit-progress.ts'
import type { DockerfileOutline } from './dockerfile-stages.ts'
import { locateBuildkitStep } from './locate-dockerfile-step.ts'

/** BuildKit reports each step several times as it moves on; steps of different stages run side by side. */
export function trackBuildkitBuild(outline: DockerfileOutline, emit: BuildEventSink): BuildTracker {
  const steps = new Map<string, BuildStep>()
  let imageId: string | undefined
  let error: ReturnType<BuildTracker['error']>
  const follow = (vertex: BuildkitVertex): void => {
    if (vertex.startedAt === undefined && !vertex.cached && vertex.error === '') return
    let step = steps.get(vertex.digest)
    if (step === undefined) {
      step = {
        number: steps.size + 1,
        name: vertex.name,
        cached: false,
        durationMs: undefined,
        failed: false,
        lines: locateBuildkitStep(outline, vertex.name),
      }
      steps.set(vertex.digest, step)
      emit({ kind: 'step_started', step: step.number, name: step.name })
    }
    if (step.durationMs !== undefined || (vertex.completedAt === undefined && vertex.error === '')) return
    const durationMs = Math.max(0, (vertex.completedAt ?? 0) - (vertex.startedAt ?? vertex.completedAt ?? 0))
    const finished = {
      ...step,
      cached: vertex.cached,
      failed: vertex.error !== '' && !isConsequence(vertex.error),
      durationMs,
    }
    steps.set(vertex.digest, finished)
    emit({ kind: 'step_finished', step: finished.number, cached: finished.cached, durationMs, failed: finished.failed })
  }
  const accept = (raw: unknown): void => {
    const item = buildkitItem.parse(raw)
    if (item.error !== undefined) error = { message: item.error, exitCode: undefined }
    if (item.id === 'moby.image.id' && typeof item.aux === 'object') imageId = item.aux.ID
    if (item.id !== 'moby.buildkit.trace' || typeof item.aux !== 'string') return
    const status = decodeBuildkitStatus(item.aux)
    status.vertexes.forEach(follow)
    for (const log of status.logs)
      emit({ kind: 'output', step: steps.get(log.vertex)?.number ?? 0, stream: log.stream, bytes: log.bytes })
    for (const warning of status.warnings) emit({ kind: 'note', text: warning.text })
  }
  return { accept, steps: () => [...steps.values()], imageId: () => imageId, error: () => error }
}

/** Steps that run beside a failing one are cancelled; they did nothing wrong. */
function isConsequence(error: string): boolean {
  return /context canceled/.test(error)
}

const buildkitItem = z.object({
  id: z.string().optional(),
  error: z.string().optional(),
  aux: z.union([z.string(), z.object({ ID: z.string().optional() })]).optional(),
})
