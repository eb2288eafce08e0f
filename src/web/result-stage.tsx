/** A stage: its attempts with their steps on one time axis, tests, artifacts and caches. */
import { z } from 'zod'
import { formatByteSize } from '../core/byte-size.ts'
import { formatDuration } from '../core/duration.ts'
import { STEP_STATES, type StepState } from '../core/stage-report.ts'
import type { ResultProps } from './run-result.tsx'
import { StateBadge, type Tone } from './state-badge.tsx'
import { TimeBar } from './time-bar.tsx'

const step = z.object({
  name: z.string(),
  image: z.string(),
  state: z.enum(STEP_STATES),
  exitCode: z.number().nullable(),
  startedAt: z.number().nullable(),
  durationMs: z.number().nullable(),
  cause: z.string().nullable(),
  warning: z.string().nullable(),
})
const shape = z.object({
  attempts: z.array(
    z.object({
      number: z.number(),
      startedAt: z.number(),
      steps: z.array(step),
      trouble: z.object({ cause: z.string(), message: z.string() }).nullable(),
    }),
  ),
  caches: z.array(z.object({ key: z.string(), outcome: z.string(), detail: z.string().nullable() })),
  artifacts: z.array(z.object({ path: z.string(), size: z.number(), sha256: z.string() })),
  notices: z.array(z.string()),
  tests: z
    .object({
      total: z.number(),
      failed: z.number(),
      skipped: z.number(),
      failures: z.array(z.object({ name: z.string(), message: z.string() })),
    })
    .nullable(),
  instance: z.string().nullable(),
})

type Stage = z.infer<typeof shape>

const TONES: Readonly<Record<StepState, Tone>> = {
  waiting: 'waiting',
  running: 'busy',
  passed: 'good',
  ignored: 'idle',
  failed: 'bad',
  out_of_memory: 'bad',
  timed_out: 'bad',
  cancelled: 'idle',
  infrastructure: 'bad',
}

export function StageView({ run }: ResultProps) {
  const parsed = shape.safeParse(run.result)
  if (!parsed.success) return null
  const stage = parsed.data
  return (
    <>
      {stage.attempts.map((attempt) => (
        <Attempt attempt={attempt} isOnly={stage.attempts.length === 1} />
      ))}
      {stage.tests === null ? null : <Tests tests={stage.tests} />}
      {stage.notices.length === 0 ? null : (
        <div class="notice busy">
          {stage.notices.map((notice) => (
            <p>{notice}</p>
          ))}
        </div>
      )}
      <Kept stage={stage} runId={run.id} />
    </>
  )
}

function Attempt({ attempt, isOnly }: { attempt: Stage['attempts'][number]; isOnly: boolean }) {
  const ends = attempt.steps.map(({ startedAt, durationMs }) => (startedAt ?? 0) + (durationMs ?? 0))
  const length = Math.max(1, ...ends.map((end) => end - attempt.startedAt))
  return (
    <section class="card">
      <header>
        <h2>{isOnly ? 'Steps' : `Attempt ${attempt.number}`}</h2>
        {attempt.trouble === null ? null : <span class="soft">{attempt.trouble.message}</span>}
      </header>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>Step</th>
              <th>State</th>
              <th>Image</th>
              <th>When</th>
              <th class="right">Took</th>
            </tr>
          </thead>
          <tbody>
            {attempt.steps.map((row) => (
              <tr>
                <th scope="row">{row.name}</th>
                <td>
                  <StateBadge tone={TONES[row.state]}>{row.state.replaceAll('_', ' ')}</StateBadge>
                  {row.cause === null ? null : <div class="small">{row.cause}</div>}
                  {row.warning === null ? null : <div class="small soft">{row.warning}</div>}
                </td>
                <td class="mono small">{row.image}</td>
                <td class="axis">
                  {row.startedAt === null ? null : (
                    <TimeBar
                      parts={[
                        {
                          from: (row.startedAt - attempt.startedAt) / length,
                          length: (row.durationMs ?? 0) / length,
                          tone: TONES[row.state],
                        },
                      ]}
                    />
                  )}
                </td>
                <td class="right number">{row.durationMs === null ? '' : formatDuration(row.durationMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

function Tests({ tests }: { tests: NonNullable<Stage['tests']> }) {
  return (
    <section class="card">
      <header>
        <h2>Tests</h2>
        <span class="soft">{`${tests.total - tests.failed - tests.skipped} passed, ${tests.failed} failed, ${tests.skipped} skipped`}</span>
      </header>
      {tests.failures.length === 0 ? null : (
        <ul class="rows">
          {tests.failures.map(({ name, message }) => (
            <li>
              <details class="fold">
                <summary>{name}</summary>
                <pre>{message}</pre>
              </details>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Kept({ stage, runId }: { stage: Stage; runId: string }) {
  if (stage.artifacts.length === 0 && stage.caches.length === 0 && stage.instance === null) return null
  return (
    <section class="card">
      <header>
        <h2>Kept</h2>
      </header>
      <div class="scroll">
        <table>
          <tbody>
            {stage.artifacts.map(({ path, size, sha256 }) => (
              <tr>
                <td class="tight soft">artifact</td>
                <td>
                  <a href={`/runs/${runId}/artifacts/${sha256}`}>{path}</a>
                  <div class="mono small soft clip">{sha256}</div>
                </td>
                <td class="right number nowrap">{formatByteSize(size)}</td>
              </tr>
            ))}
            {stage.caches.map(({ key, outcome, detail }) => (
              <tr>
                <td class="tight soft">cache</td>
                <td class="mono small">{key}</td>
                <td class="right">{detail === null ? outcome : `${outcome}: ${detail}`}</td>
              </tr>
            ))}
            {stage.instance === null ? null : (
              <tr>
                <td class="tight soft">instance</td>
                <td colspan={2}>{stage.instance}</td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </section>
  )
}
