/**
 * The parts of a run's page that change while it runs. Each is an element with an id and `data-part`; the page's script
 * replaces those that came out differently and leaves the others, so that nobody loses their place.
 */
import type { CheckButton } from '../core/check.ts'
import { formatDuration } from '../core/duration.ts'
import type { RepositoryRecord } from '../flow/ports.ts'
import type { RunEventEntry } from '../core/run.ts'
import { CommitLink, RefLink, RepositoryLink } from './commit-links.tsx'
import { CsrfField } from './csrf-field.tsx'
import type { RunLine } from './ports.ts'
import { RunResult } from './run-result.tsx'
import type { Session } from './session.ts'
import { RunBadge, StateBadge } from './state-badge.tsx'
import { TimeBar } from './time-bar.tsx'
import { Elapsed, Time } from './time.tsx'

export interface RunView {
  readonly run: RunLine
  readonly repository: RepositoryRecord
  readonly attempts: readonly RunLine[]
  readonly story: readonly RunEventEntry[]
  /** The visitor may press buttons. */
  readonly mayWrite: boolean
  readonly session: Session | null
  /** Milliseconds since the epoch. */
  readonly now: number
}

export function RunHead({ view }: { view: RunView }) {
  const { run, repository, session, mayWrite } = view
  return (
    <div class="head" id="run-head" data-part>
      <div>
        <p class="crumbs">
          <RepositoryLink repository={repository} /> / <RefLink repository={repository} run={run} /> /{' '}
          <CommitLink repository={repository} sha={run.sha} />
        </p>
        <h1>
          {run.name} <RunBadge run={run} />
        </h1>
        <p class="soft">{run.face.title}</p>
      </div>
      {session?.csrf == null || !mayWrite ? null : (
        <div class="actions">
          {buttonsOf(view).map((button) => (
            <form method="post" action={`/runs/${run.id}/${button.identifier}`}>
              <CsrfField session={session} />
              <button
                class={button.identifier === 'cancel' ? 'danger' : button.identifier === 'approve' ? 'main' : ''}
                title={button.description}
              >
                {button.label}
              </button>
            </form>
          ))}
        </div>
      )}
    </div>
  )
}

type PageButton = Pick<CheckButton, 'label' | 'description'> & { readonly identifier: string }

/** What GitHub shows, and Re-run, which GitHub has of its own. */
function buttonsOf({ run, attempts }: RunView): readonly PageButton[] {
  const isNewest = run.attempt >= Math.max(...attempts.map((attempt) => attempt.attempt))
  const rerun = { identifier: 'rerun', label: 'Re-run', description: 'Run once more, as a new attempt' }
  return run.state === 'completed' && isNewest ? [rerun, ...run.face.buttons] : run.face.buttons
}

export function RunResults({ view: { run, repository } }: { view: RunView }) {
  return (
    <div id="run-result" class="stack" data-part>
      <RunResult run={run} repository={repository} />
    </div>
  )
}

export function RunFacts({ view }: { view: RunView }) {
  const { run, repository, attempts } = view
  const { source } = run
  return (
    <section class="card" id="run-facts" data-part>
      <header>
        <h2>Run</h2>
        <span class="soft small">{`attempt ${run.attempt}`}</span>
      </header>
      <div class="body">
        <RunTimes view={view} />
        <dl class="facts">
          <dt>Because of</dt>
          <dd>
            {source.event.replaceAll('_', ' ')}
            {source.actor === null ? null : ` by ${source.actor}`}
            {source.trust === 'fork' ? <span class="tag">from a fork</span> : null}
          </dd>
          <dt>Repository</dt>
          <dd>
            <RepositoryLink repository={repository} />
          </dd>
          <dt>For</dt>
          <dd>
            <RefLink repository={repository} run={run} />
          </dd>
          <dt>Commit</dt>
          <dd>
            <CommitLink repository={repository} sha={run.sha} />
          </dd>
          <dt>Created</dt>
          <dd>
            <Time at={run.createdAt} />
          </dd>
          {run.reason === null ? null : (
            <>
              <dt>Reason</dt>
              <dd>{run.reason.replaceAll('_', ' ')}</dd>
            </>
          )}
        </dl>
        {attempts.length < 2 ? null : (
          <nav class="attempts" aria-label="Attempts">
            {attempts.map((attempt) => (
              <a href={`/runs/${attempt.id}`} {...(attempt.id === run.id ? { 'aria-current': 'page' } : {})}>
                {`${attempt.attempt} `}
                <RunBadge run={attempt} bare />
              </a>
            ))}
          </nav>
        )}
      </div>
    </section>
  )
}

/** How long it waited, how long it worked. */
function RunTimes({ view: { run, now } }: { view: RunView }) {
  const started = run.startedAt ?? run.completedAt
  const end = run.completedAt?.getTime() ?? now
  const whole = Math.max(1, end - run.createdAt.getTime())
  const waited = (started?.getTime() ?? now) - run.createdAt.getTime()
  const tone = run.conclusion === null ? 'busy' : run.conclusion === 'success' ? 'good' : 'bad'
  return (
    <div class="times">
      {run.startedAt === null ? null : (
        <TimeBar
          parts={[
            { from: 0, length: waited / whole, tone: 'idle' },
            { from: waited / whole, length: 1 - waited / whole, tone },
          ]}
        />
      )}
      <p class="soft small">
        {run.startedAt === null ? (
          <>
            {run.state === 'queued' ? 'waiting for ' : 'settled after '}
            <Elapsed from={run.createdAt} to={run.completedAt} now={now} />
          </>
        ) : (
          <>
            {`waited ${formatDuration(waited)}, ${run.completedAt === null ? 'running for' : 'took'} `}
            <Elapsed from={run.startedAt} to={run.completedAt} now={now} />
          </>
        )}
      </p>
    </div>
  )
}

/** Why it ran, what it waited for, who did what. */
export function RunStory({ view: { story } }: { view: RunView }) {
  return (
    <section class="card" id="run-story" data-part>
      <header>
        <h2>Story</h2>
      </header>
      <ol class="story">
        {story.map(({ at, kind, message }) => (
          <li>
            <span>{message}</span>
            <span class="soft small">
              <Time at={at} /> {kind === 'refused' ? <StateBadge tone="bad">refused</StateBadge> : null}
            </span>
          </li>
        ))}
      </ol>
    </section>
  )
}

/** All of them, as the stream sends them. */
export function RunParts({ view }: { view: RunView }) {
  return (
    <>
      <RunHead view={view} />
      <RunResults view={view} />
      <RunFacts view={view} />
      <RunStory view={view} />
    </>
  )
}
