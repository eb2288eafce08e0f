/** A state as a sign, a word and a colour, so that none of them is needed alone. */
import type { Conclusion, Run, RunState } from '../core/run.ts'

export type Tone = 'good' | 'bad' | 'busy' | 'waiting' | 'idle'

/** @param bare only the sign; the word is there for those who cannot see it */
export function StateBadge({ tone, children, bare = false }: { tone: Tone; children: string; bare?: boolean }) {
  return (
    <span class={`state ${tone}${bare ? ' bare' : ''}`} {...(bare ? { title: children } : {})}>
      {bare ? <span class="hidden-text">{children}</span> : children}
    </span>
  )
}

const CONCLUSION_TONES: Readonly<Record<Conclusion, Tone>> = {
  success: 'good',
  failure: 'bad',
  timed_out: 'bad',
  cancelled: 'idle',
  skipped: 'idle',
  neutral: 'idle',
  action_required: 'busy',
}

export function toneOf(state: RunState, conclusion: Conclusion | null): Tone {
  if (conclusion !== null) return CONCLUSION_TONES[conclusion]
  return state === 'in_progress' ? 'busy' : 'waiting'
}

export function RunBadge({ run, bare = false }: { run: Pick<Run, 'state' | 'conclusion' | 'reason'>; bare?: boolean }) {
  return (
    <StateBadge tone={toneOf(run.state, run.conclusion)} bare={bare}>
      {wordOf(run)}
    </StateBadge>
  )
}

function wordOf({ state, conclusion, reason }: Pick<Run, 'state' | 'conclusion' | 'reason'>): string {
  if (conclusion === 'action_required') return 'needs approval'
  if (conclusion !== null) return conclusion.replaceAll('_', ' ')
  if (state === 'queued' && reason === 'approval') return 'waits for approval'
  return state === 'in_progress' ? 'running' : 'queued'
}
