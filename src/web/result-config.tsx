/** What is wrong with slipway.yml, each with its line. */
import { z } from 'zod'
import { PlaceLink } from './commit-links.tsx'
import type { ResultProps } from './run-result.tsx'

const shape = z.object({
  problems: z.array(
    z.object({
      file: z.string(),
      line: z.number(),
      path: z.string(),
      message: z.string(),
      hint: z.string().nullable(),
    }),
  ),
})

export function ConfigView({ run, repository }: ResultProps) {
  const parsed = shape.safeParse(run.plan)
  if (!parsed.success || parsed.data.problems.length === 0) return null
  return (
    <section class="card">
      <header>
        <h2>Problems</h2>
        <span class="soft small">{parsed.data.problems.length}</span>
      </header>
      <ul class="rows">
        {parsed.data.problems.map(({ file, line, path, message, hint }) => (
          <li>
            <div class="row problem-row">
              <PlaceLink repository={repository} sha={run.sha} path={file} line={line} />
              <span>
                {path === '' ? null : <code>{path}: </code>}
                {message}
                {hint === null ? null : <span class="soft"> {hint}</span>}
              </span>
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}
