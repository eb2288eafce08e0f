/** A package build: what was built, from which tag, and what came out. */
import { formatByteSize } from '../core/byte-size.ts'
import { outcomeMessage, packageResultOf } from '../packages/index.ts'
import { z } from 'zod'
import type { ResultProps } from './run-result.tsx'

const planShape = z.object({ package: z.string(), tag: z.string(), variant: z.string(), image: z.string() })

export function PackageView({ run }: ResultProps) {
  const plan = planShape.safeParse(run.plan)
  if (!plan.success) return null
  const outcome = packageResultOf(run)?.outcome ?? null
  const file = outcome !== null && 'file' in outcome ? outcome.file : null
  const message = outcome === null ? '' : outcomeMessage(outcome)
  return (
    <section class="card">
      <header>
        <h2>Package</h2>
        <a href="/packages">All packages</a>
      </header>
      <div class="body">
        <dl class="facts">
          <dt>Package</dt>
          <dd>{`${plan.data.package}@${plan.data.tag}`}</dd>
          {plan.data.variant === '' ? null : (
            <>
              <dt>Variant</dt>
              <dd>{plan.data.variant}</dd>
            </>
          )}
          <dt>Image</dt>
          <dd class="mono">{plan.data.image}</dd>
          {file === null ? null : (
            <>
              <dt>Artifact</dt>
              <dd>
                {`${file.fileName} (${formatByteSize(file.size)})`}
                <div class="mono small soft">{file.sha256}</div>
              </dd>
            </>
          )}
          {message === '' ? null : (
            <>
              <dt>Outcome</dt>
              <dd>{message}</dd>
            </>
          )}
        </dl>
      </div>
    </section>
  )
}
