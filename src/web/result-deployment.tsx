/** A deployment: which service, where, and what was asked. Its steps are told in the run's story. */
import { z } from 'zod'
import type { ResultProps } from './run-result.tsx'

const shape = z.object({
  service: z.object({
    key: z.string(),
    host: z.string(),
    driver: z.string(),
    environment: z.string(),
    branch: z.string(),
    url: z.string().nullable(),
    pullRequest: z.number().nullable(),
  }),
  target: z.object({ kind: z.string(), why: z.string().optional() }),
  askedBy: z.string().nullable(),
})

export function DeploymentView({ run }: ResultProps) {
  const parsed = shape.safeParse(run.plan)
  if (!parsed.success) return null
  const { service, target, askedBy } = parsed.data
  return (
    <section class="card">
      <header>
        <h2>{service.pullRequest === null ? 'Service' : 'Preview'}</h2>
        <a href="/services">All services</a>
      </header>
      <div class="body">
        <dl class="facts">
          <dt>Service</dt>
          <dd>{service.key}</dd>
          <dt>Environment</dt>
          <dd>{service.environment}</dd>
          <dt>Host</dt>
          <dd>
            {service.host} <span class="tag">{service.driver}</span>
          </dd>
          {service.url === null ? null : (
            <>
              <dt>Address</dt>
              <dd>{/^https?:\/\//.test(service.url) ? <a href={service.url}>{service.url}</a> : service.url}</dd>
            </>
          )}
          <dt>What</dt>
          <dd>
            {target.kind === 'release'
              ? `an earlier release (${target.why ?? ''})`
              : `the commit, for ${service.branch}`}
          </dd>
          {askedBy === null ? null : (
            <>
              <dt>Asked by</dt>
              <dd>{askedBy}</dd>
            </>
          )}
        </dl>
      </div>
    </section>
  )
}
