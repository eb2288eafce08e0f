/** The images of a commit: where each was built, how it ended, and the line that failed. */
import { z } from 'zod'
import { formatDuration } from '../core/duration.ts'
import { PlaceLink } from './commit-links.tsx'
import type { ResultProps } from './run-result.tsx'
import { StateBadge, type Tone } from './state-badge.tsx'

const image = z.object({
  image: z.string(),
  platform: z.string(),
  host: z.string(),
  state: z.enum(['waiting', 'building', 'built', 'reused', 'failed', 'timed_out', 'cancelled', 'infrastructure']),
  durationMs: z.number().nullable(),
  cause: z.string().nullable(),
  step: z.string().nullable(),
  location: z.object({ path: z.string(), startLine: z.number() }).nullable(),
})
const published = z.object({
  image: z.string(),
  reference: z.string(),
  digest: z.string().nullable(),
  cause: z.string().nullable(),
})
const shape = z.object({
  images: z.array(image),
  missing: z.array(z.object({ image: z.string(), platform: z.string() })),
  published: z.array(published),
})

const TONES: Readonly<Record<z.infer<typeof image>['state'], readonly [Tone, string]>> = {
  waiting: ['waiting', 'waiting'],
  building: ['busy', 'building'],
  built: ['good', 'built'],
  reused: ['good', 'unchanged'],
  failed: ['bad', 'failed'],
  timed_out: ['bad', 'timed out'],
  cancelled: ['idle', 'cancelled'],
  infrastructure: ['bad', 'Slipway failed'],
}

export function DeployabilityView({ run, repository }: ResultProps) {
  const parsed = shape.safeParse(run.result)
  if (!parsed.success) return null
  const { images, missing, published } = parsed.data
  return (
    <section class="card">
      <header>
        <h2>Images</h2>
      </header>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>Image</th>
              <th>State</th>
              <th>Platform</th>
              <th>Host</th>
              <th class="right">Took</th>
            </tr>
          </thead>
          <tbody>
            {images.map((row) => (
              <>
                <tr>
                  <th scope="row">{row.image}</th>
                  <td>
                    <StateBadge tone={TONES[row.state][0]}>{TONES[row.state][1]}</StateBadge>
                  </td>
                  <td class="nowrap">{row.platform}</td>
                  <td>{row.host}</td>
                  <td class="right number">{row.durationMs === null ? '' : formatDuration(row.durationMs)}</td>
                </tr>
                {row.cause === null ? null : (
                  <tr class="because">
                    <td colspan={5}>
                      {row.location === null ? null : (
                        <>
                          <PlaceLink
                            repository={repository}
                            sha={run.sha}
                            path={row.location.path}
                            line={row.location.startLine}
                          />{' '}
                        </>
                      )}
                      {row.cause}
                      {row.step === null ? null : <pre class="soft">{row.step}</pre>}
                    </td>
                  </tr>
                )}
              </>
            ))}
            {missing.map((gap) => (
              <tr>
                <th scope="row">{gap.image}</th>
                <td>
                  <StateBadge tone="bad">no host</StateBadge>
                </td>
                <td class="nowrap">{gap.platform}</td>
                <td colspan={2} class="soft">
                  no Docker host offers this platform
                </td>
              </tr>
            ))}
            {published.map((push) => (
              <tr>
                <th scope="row">{push.image}</th>
                <td>
                  <StateBadge tone={push.cause === null ? 'good' : 'bad'}>
                    {push.cause === null ? 'published' : 'not published'}
                  </StateBadge>
                </td>
                <td colspan={3}>
                  <span class="mono">{push.reference}</span>
                  <div class="soft small mono">{push.cause ?? push.digest ?? ''}</div>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}
