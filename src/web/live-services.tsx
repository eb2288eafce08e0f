/** What is live, in one table: where, which commit, since when. */
import { CommitText } from './commit-links.tsx'
import type { LiveService } from './ports.ts'
import type { Repositories } from './run-list.tsx'
import { StateBadge } from './state-badge.tsx'
import { Time } from './time.tsx'

export function LiveServices({
  services,
  repositories,
}: {
  services: readonly LiveService[]
  repositories: Repositories | null
}) {
  if (services.length === 0) return <p class="empty">Nothing is live.</p>
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Service</th>
            <th>Environment</th>
            <th>Host</th>
            <th>Commit</th>
            <th>Address</th>
            <th class="right">Live since</th>
          </tr>
        </thead>
        <tbody>
          {services.map((service) => {
            const repository = repositories?.get(service.repositoryId)
            return (
              <tr>
                <th scope="row">
                  {service.key}{' '}
                  {service.pullRequest === 0 ? null : <span class="tag">{`#${service.pullRequest}`}</span>}
                  {repository === undefined ? null : (
                    <div class="soft small">{`${repository.owner}/${repository.name}`}</div>
                  )}
                </th>
                <td>
                  {service.environment} {service.isLocked ? <StateBadge tone="busy">locked</StateBadge> : null}
                </td>
                <td>{service.host}</td>
                <td class="nowrap">
                  <CommitText sha={service.sha} /> <span class="soft small">{`release ${service.release}`}</span>
                </td>
                <td class="clip">
                  {service.url !== null && /^https?:\/\//.test(service.url) ? (
                    <a href={service.url}>{service.url.replace(/^https?:\/\//, '')}</a>
                  ) : (
                    ''
                  )}
                </td>
                <td class="right nowrap">
                  <Time at={service.liveSince} />
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}
