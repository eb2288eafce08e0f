/** One run: what it is, why it ran, what came out, and its log while it is written. */
import { raw } from 'hono/html'
import { Page } from './layout.tsx'
import { RunFacts, RunHead, RunResults, RunStory, type RunView } from './run-live.tsx'

export interface ShownLog {
  /** Lines as HTML, escaped by the painter. */
  readonly html: string
  /** Number of the first line that is shown, 1 when there is none before. */
  readonly first: number
  /** Number after the last line that is shown. */
  readonly next: number
  readonly isEmpty: boolean
}

export function RunPage({ view, log }: { view: RunView; log: ShownLog }) {
  const { run, session } = view
  return (
    <Page
      title={`${run.name} of ${view.repository.owner}/${view.repository.name}`}
      session={session}
      active="overview"
      assets={['run.css', 'run.js']}
    >
      <RunHead view={view} />
      <div class="columns aside">
        <div class="stack">
          <RunResults view={view} />
          <RunLog view={view} log={log} />
        </div>
        <aside class="stack">
          <RunFacts view={view} />
          <RunStory view={view} />
        </aside>
      </div>
    </Page>
  )
}

function RunLog({ view: { run }, log }: { view: RunView; log: ShownLog }) {
  const isOver = run.state === 'completed'
  return (
    <section class="log-frame" aria-label="Log">
      <div class="log-bar">
        <h2>Log</h2>
        <form class="log-search" role="search">
          <input type="search" name="q" placeholder="Search" aria-label="Search the log" autocomplete="off" />
          <output class="small" aria-live="polite"></output>
          <button type="button" data-do="previous" aria-label="Previous hit" disabled>
            ↑
          </button>
          <button type="button" data-do="next" aria-label="Next hit" disabled>
            ↓
          </button>
        </form>
        <div class="log-tools">
          <button
            type="button"
            data-do="follow"
            aria-pressed={isOver ? 'false' : 'true'}
            title="Keep the newest line in sight (f)"
            hidden={isOver}
          >
            Follow
          </button>
          <button type="button" data-do="times" aria-pressed="false" title="Show when each line came (t)">
            Times
          </button>
          <button type="button" data-do="wrap" aria-pressed="true" title="Break long lines (w)">
            Wrap
          </button>
          <a class="button" href={`/runs/${run.id}/log.txt`} download={`${run.id}.log.txt`}>
            Download
          </a>
        </div>
      </div>
      <div
        id="log"
        class="log wrap"
        tabindex={0}
        role="region"
        aria-label="Lines of the log"
        data-run={run.id}
        data-first={log.first}
        data-next={log.next}
        data-live={isOver ? 'false' : 'true'}
      >
        <button type="button" class="more" data-do="earlier" hidden={log.first <= 1}>
          Show earlier lines
        </button>
        <div id="lines">
          <div class="chunk">{raw(log.html)}</div>
        </div>
        <button type="button" class="more" data-do="later" hidden>
          Show later lines
        </button>
        <p class="log-empty" hidden={!log.isEmpty}>
          {isOver ? 'This run printed nothing.' : 'Nothing was printed yet.'}
        </p>
      </div>
      <p class="log-keys small">
        <kbd>/</kbd> search <kbd>n</kbd> <kbd>N</kbd> next, previous <kbd>g</kbd> <kbd>G</kbd> top, end <kbd>f</kbd>{' '}
        follow <kbd>t</kbd> times <kbd>w</kbd> wrap
      </p>
    </section>
  )
}
