import { z } from 'zod'
import { ERROR_TABLE, errorCode, errorMessage } from '../core/errors.ts'
import type { PackageOutcome } from '../core/package-report.ts'
import type { Conclusion, Run } from '../core/run.ts'

const file = z.object({ fileName: z.string(), sha256: z.string(), size: z.number() })
const comparison = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('same_bytes') }),
  z.object({ kind: z.literal('same_contents') }),
  z.object({ kind: z.literal('different'), files: z.array(z.string()) }),
])
const outcome = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('published'), file }),
  z.object({ kind: z.literal('compared'), file, comparison }),
  z.object({ kind: z.literal('tag_moved'), releasedSha: z.string() }),
  z.object({
    kind: z.literal('failed'),
    reason: z.string(),
    message: z.string(),
    fault: z.enum(['user', 'host', 'github', 'slipway']),
  }),
  z.object({ kind: z.literal('timed_out'), limitMs: z.number() }),
  z.object({ kind: z.literal('cancelled'), message: z.string() }),
])
const result = z.object({ phase: z.string(), outcome: outcome.optional(), durationMs: z.number().optional() })

/** What is kept with a run of kind `package` about how far it came. */
export type PackageResult = Readonly<z.infer<typeof result>>

/** Null when the run has none, or one that others wrote (a run that was swept away). */
export function packageResultOf(run: Pick<Run, 'result'>): PackageResult | null {
  const parsed = result.safeParse(run.result)
  return parsed.success ? parsed.data : null
}

export function conclusionOf(outcome: PackageOutcome): {
  readonly conclusion: Conclusion
  readonly reason: string | null
} {
  switch (outcome.kind) {
    case 'published':
      return { conclusion: 'success', reason: null }
    case 'compared':
      return {
        conclusion: outcome.comparison.kind === 'different' ? 'neutral' : 'success',
        reason: outcome.comparison.kind,
      }
    case 'tag_moved':
      return { conclusion: 'failure', reason: 'tag_moved' }
    case 'failed':
      return { conclusion: 'failure', reason: outcome.reason }
    case 'timed_out':
      return { conclusion: 'timed_out', reason: 'timeout' }
    case 'cancelled':
      return { conclusion: 'cancelled', reason: 'cancelled' }
  }
}

/** One sentence for lists and the compatible API; empty for a good build. */
export function outcomeMessage(outcome: PackageOutcome): string {
  switch (outcome.kind) {
    case 'published':
      return ''
    case 'compared':
      return outcome.comparison.kind === 'different'
        ? `differs from what was released in ${outcome.comparison.files.join(', ')}`
        : ''
    case 'tag_moved':
      return `the tag was moved; ${outcome.releasedSha} holds it`
    case 'failed':
    case 'cancelled':
      return outcome.message
    case 'timed_out':
      return `the build took longer than ${outcome.limitMs / 1000} s`
  }
}

/**
 * A thrown error as an outcome when whoever wrote the package can mend it; null when a machine failed and trying
 * again may help.
 */
export function outcomeOfError(error: unknown): PackageOutcome | null {
  const code = errorCode(error)
  const { fault } = ERROR_TABLE[code]
  return fault === 'user' && code !== 'cancelled'
    ? { kind: 'failed', reason: code, message: errorMessage(error), fault }
    : null
}
