/** The job of a stage: stands in line for its instance first, then does the work in the frame that all runs share. */
import { z } from 'zod'
import { claimInstance, doStage, type HeldInstance, type StageDeps } from '../pipeline/index.ts'
import { DONE, type JobHandler } from '../queue/ports.ts'
import { runHandler, type PerformRunDeps } from './perform-run.ts'

/** The pool wakes the job when its turn comes; this is for a lost hint. */
const LINE_POLL_MS = 30_000

const payloadOfRunJob = z.object({ runId: z.string() })

export function stageHandler(deps: PerformRunDeps, stage: StageDeps): JobHandler {
  const held = new Map<string, HeldInstance | null>()
  const perform = runHandler(deps, async (work) => {
    await doStage(stage, work, held.get(work.run.id) ?? null)
  })
  return {
    async handle(job, signal) {
      const { runId } = payloadOfRunJob.parse(job.payload)
      const run = await deps.runs.get(runId)
      if (run === null || run.state === 'completed') {
        await stage.instances.release(runId, false)
        return DONE
      }
      const repository = await deps.repositories.get(run.repositoryId)
      if (repository === null) return DONE
      if (run.cancelRequestedAt === null) {
        const claim = await claimInstance(stage, { run, repository, lease: job.lease })
        if (claim.kind === 'wait') return { kind: 'wait', delayMs: LINE_POLL_MS, cause: claim.cause }
        if (claim.kind === 'refused') return { kind: 'park', cause: claim.message }
        held.set(runId, claim.instance)
      }
      try {
        return await perform.handle(job, signal)
      } finally {
        held.delete(runId)
        const after = await deps.runs.get(runId)
        if (after?.state === 'completed') {
          await stage.instances.release(runId, false)
          await stage.settle(after.groupId)
        }
      }
    },
    async onParked(payload, cause) {
      await perform.onParked?.(payload, cause)
      const { runId } = payloadOfRunJob.parse(payload)
      await stage.instances.release(runId, true)
      const run = await deps.runs.get(runId)
      if (run !== null) await stage.settle(run.groupId)
    },
  }
}
