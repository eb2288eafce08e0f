/** What a repository's slipway.yml asks for, as it is on the default branch. */
import type { ConfigProblem } from '../config/config-problem.ts'
import { REPOSITORY_CONFIG_PATH } from '../config/load-repository-config.ts'
import type { RepositoryConfig } from '../config/repository-config.ts'
import type { RepositoryRecord } from '../flow/ports.ts'

export type ShownConfig =
  | { readonly kind: 'ok'; readonly config: RepositoryConfig; readonly sha: string }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[]; readonly sha: string }
  | { readonly kind: 'absent' }
  /** GitHub does not say at the moment. */
  | { readonly kind: 'unknown' }

export function ConfigPlan({ config, repository }: { config: ShownConfig; repository: RepositoryRecord }) {
  return (
    <section class="card">
      <header>
        <h2>Asks for</h2>
        {config.kind === 'ok' || config.kind === 'invalid' ? (
          <a class="small" href={`${repository.htmlUrl}/blob/${config.sha}/${REPOSITORY_CONFIG_PATH}`}>
            slipway.yml
          </a>
        ) : null}
      </header>
      <Body config={config} />
    </section>
  )
}

function Body({ config }: { config: ShownConfig }) {
  switch (config.kind) {
    case 'absent':
      return (
        <div class="empty">
          <p>
            The default branch has no <code>{REPOSITORY_CONFIG_PATH}</code>.
          </p>
        </div>
      )
    case 'unknown':
      return <p class="empty">GitHub could not be asked just now.</p>
    case 'invalid':
      return (
        <ul class="rows">
          {config.problems.map((problem) => (
            <li class="problem">
              <code>{`${problem.line}:${problem.column}`}</code>{' '}
              {problem.path === '' ? null : <code>{problem.path}: </code>}
              {problem.message}
            </li>
          ))}
        </ul>
      )
    case 'ok':
      return <Plan config={config.config} />
  }
}

function Plan({ config }: { config: RepositoryConfig }) {
  const stages = Object.values(config.pipeline?.stages ?? {})
  const groups = [
    {
      name: 'Images',
      lines: Object.values(config.images).map(
        (image) => [image.key, `${image.dockerfile}, ${image.platforms.join(', ')}`] as const,
      ),
    },
    {
      name: 'Stages',
      lines: stages.map(
        (stage) =>
          [stage.key, stage.dependsOn.length === 0 ? 'at once' : `after ${stage.dependsOn.join(', ')}`] as const,
      ),
    },
    {
      name: 'Services',
      lines: Object.values(config.services).map(
        (service) => [service.key, `${service.branch} to ${service.host}, ${service.driver}`] as const,
      ),
    },
    {
      name: 'Packages',
      lines: Object.values(config.packages).map((entry) => [entry.key, `for ${entry.tags.join(', ')}`] as const),
    },
  ].filter(({ lines }) => lines.length > 0)
  if (groups.length === 0) return <p class="empty">The file asks for nothing.</p>
  return (
    <div class="body">
      {groups.map(({ name, lines }) => (
        <>
          <h3>{name}</h3>
          <dl class="facts plan">
            {lines.map(([key, detail]) => (
              <>
                <dt class="mono">{key}</dt>
                <dd class="soft">{detail}</dd>
              </>
            ))}
          </dl>
        </>
      ))}
    </div>
  )
}
