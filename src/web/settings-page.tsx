/** What admins decide: hosts, what each repository may do, secrets, tokens. What server.yml names is shown, not edited. */
import { formatByteSize } from '../core/byte-size.ts'
import { formatDuration } from '../core/duration.ts'
import type { RepositoryRule, ServerConfig, TokenScope } from '../config/server-config.ts'
import { CsrfField } from './csrf-field.tsx'
import { Page } from './layout.tsx'
import type { HostRecord, SecretRecord, TokenRecord } from './ports.ts'
import type { Session } from './session.ts'
import { StateBadge } from './state-badge.tsx'
import { Time } from './time.tsx'

export const TOKEN_SCOPES: readonly TokenScope[] = ['read', 'pool', 'runner', 'packages', 'admin']

export interface SettingsView {
  readonly session: Session
  readonly hosts: readonly HostRecord[]
  readonly config: ServerConfig
  readonly secrets: readonly SecretRecord[]
  readonly tokens: readonly TokenRecord[]
  /** A token that was just made, shown this once. */
  readonly issued: { readonly name: string; readonly token: string } | null
  readonly problem: string | null
}

export function SettingsPage({ view }: { view: SettingsView }) {
  const { session, issued, problem } = view
  return (
    <Page title="Settings" session={session} active="settings">
      <div class="head">
        <div>
          <h1>Settings</h1>
          <p class="soft">
            Hosts, pools and repositories come from <code>server.yml</code>; <code>slipway apply</code> reads it again.
            Secrets and tokens can be added here as well.
          </p>
        </div>
      </div>
      <div class="stack">
        {problem === null ? null : (
          <div class="notice bad" role="alert">
            <p>{problem}</p>
          </div>
        )}
        {issued === null ? null : (
          <div class="notice good" role="status">
            <p>
              The token <b>{issued.name}</b>, shown this once:
            </p>
            <code class="secret">{issued.token}</code>
          </div>
        )}
        <Hosts hosts={view.hosts} />
        <Rules config={view.config} />
        <Secrets view={view} />
        <Tokens view={view} />
      </div>
    </Page>
  )
}

function Hosts({ hosts }: { hosts: readonly HostRecord[] }) {
  return (
    <section class="card" id="hosts">
      <header>
        <h2>Docker hosts</h2>
      </header>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>Host</th>
              <th>State</th>
              <th>Used for</th>
              <th>Endpoint</th>
              <th class="right">At once</th>
            </tr>
          </thead>
          <tbody>
            {hosts.map((host) => (
              <tr>
                <th scope="row">{host.name}</th>
                <td>
                  <StateBadge tone={host.condition.isOk ? 'good' : 'bad'}>
                    {host.condition.isOk ? 'answers' : 'away'}
                  </StateBadge>
                  <div class="soft small">{host.condition.detail}</div>
                </td>
                <td>
                  {[host.builds ? 'builds' : '', host.deploys ? 'deploys' : ''].filter((use) => use !== '').join(', ')}
                </td>
                <td class="mono small">{host.endpoint}</td>
                <td class="right number">{host.maxConcurrent}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

function Rules({ config }: { config: ServerConfig }) {
  return (
    <section class="card" id="repositories">
      <header>
        <h2>Repositories</h2>
        <span class="soft small">the first that matches counts</span>
      </header>
      {config.repositories.length === 0 ? (
        <p class="empty">
          No entry: every repository may build and run pipelines, forks wait for approval, nothing is deployed.
        </p>
      ) : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th>Repository</th>
                <th>Hosts</th>
                <th>Deploys from</th>
                <th>Pools</th>
                <th>Forks</th>
                <th>Limits</th>
                <th>Secrets</th>
                <th>Freeze</th>
              </tr>
            </thead>
            <tbody>
              {config.repositories.map((rule) => (
                <Rule rule={rule} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

function Rule({ rule }: { rule: RepositoryRule }) {
  const { limits } = rule
  return (
    <tr>
      <th scope="row" class="mono">
        {rule.pattern}
      </th>
      <td>{rule.hosts?.join(', ') ?? 'all'}</td>
      <td>
        {rule.deployBranches.join(', ')}
        {rule.requireApproval.length === 0 ? null : (
          <div class="soft small">{`approval: ${rule.requireApproval.join(', ')}`}</div>
        )}
      </td>
      <td>{rule.pools.join(', ')}</td>
      <td>{rule.forkPullRequests}</td>
      <td class="small">
        {`${formatByteSize(limits.memoryBytes)}, ${limits.cpus} CPU, ${limits.pids} processes, ${formatDuration(limits.timeoutMs)}; ${rule.maxConcurrent} at once`}
      </td>
      <td class="mono small">{Object.keys(rule.secrets).join(', ')}</td>
      <td class="small">
        {rule.freeze.map((window) => (
          <div>
            {`${window.reason}: `}
            <code>{window.cron}</code>
            {` ${window.tz}, ${formatDuration(window.durationMs)}`}
          </div>
        ))}
      </td>
    </tr>
  )
}

function Secrets({ view: { session, secrets } }: { view: SettingsView }) {
  return (
    <section class="card" id="secrets">
      <header>
        <h2>Secrets</h2>
        <span class="soft small">values are never shown again</span>
      </header>
      {secrets.length === 0 ? null : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th>Name</th>
                <th>Repository</th>
                <th class="right">Version</th>
                <th>By</th>
                <th>Since</th>
                <th></th>
              </tr>
            </thead>
            <tbody>
              {secrets.map((secret) => (
                <tr>
                  <th scope="row" class="mono">
                    {secret.name}
                  </th>
                  <td class="mono">{secret.repository}</td>
                  <td class="right number">{secret.version}</td>
                  <td>{secret.createdBy}</td>
                  <td>
                    <Time at={secret.createdAt} />
                  </td>
                  <td class="tight">
                    <form
                      method="post"
                      action="/settings/secrets/remove"
                      data-confirm={`Remove ${secret.name} of ${secret.repository}?`}
                    >
                      <CsrfField session={session} />
                      <input type="hidden" name="repository" value={secret.repository} />
                      <input type="hidden" name="name" value={secret.name} />
                      <button class="small danger">Remove</button>
                    </form>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div class="body">
        <form class="fields" method="post" action="/settings/secrets" autocomplete="off">
          <CsrfField session={session} />
          <label>
            Repository
            <input
              name="repository"
              required
              placeholder="owner/name or owner/*"
              pattern="[A-Za-z0-9_.\-]+/([A-Za-z0-9_.\-]+|\*)"
            />
          </label>
          <label>
            Name
            <input name="name" required placeholder="SESSION_KEY" pattern="[A-Za-z_][A-Za-z0-9_]*" />
          </label>
          <label>
            Value
            <input name="value" type="password" required autocomplete="new-password" />
          </label>
          <button>Store</button>
        </form>
      </div>
    </section>
  )
}

function Tokens({ view: { session, tokens } }: { view: SettingsView }) {
  const valid = tokens.filter((token) => token.revokedAt === null)
  return (
    <section class="card" id="tokens">
      <header>
        <h2>API tokens</h2>
      </header>
      {valid.length === 0 ? null : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th>Name</th>
                <th>Scope</th>
                <th>For</th>
                <th>By</th>
                <th>Made</th>
                <th>Last used</th>
                <th>Ends</th>
                <th></th>
              </tr>
            </thead>
            <tbody>
              {valid.map((token) => (
                <tr>
                  <th scope="row">{token.name}</th>
                  <td>
                    <span class="tag accent">{token.scope}</span>
                  </td>
                  <td>{token.organization ?? token.pools?.join(', ') ?? ''}</td>
                  <td>{token.createdBy}</td>
                  <td>
                    <Time at={token.createdAt} />
                  </td>
                  <td>
                    {token.lastUsedAt === null ? <span class="soft">never</span> : <Time at={token.lastUsedAt} />}
                  </td>
                  <td>{token.expiresAt === null ? <span class="soft">never</span> : <Time at={token.expiresAt} />}</td>
                  <td class="tight">
                    <form
                      method="post"
                      action={`/settings/tokens/${token.id}/revoke`}
                      data-confirm={`Revoke the token ${token.name}?`}
                    >
                      <CsrfField session={session} />
                      <button class="small danger">Revoke</button>
                    </form>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div class="body">
        <form class="fields" method="post" action="/settings/tokens">
          <CsrfField session={session} />
          <label>
            Name
            <input name="name" required maxlength={100} placeholder="ci" />
          </label>
          <label>
            Scope
            <select name="scope">
              {TOKEN_SCOPES.map((scope) => (
                <option value={scope}>{scope}</option>
              ))}
            </select>
          </label>
          <label>
            Ends after
            <input name="expires_in" placeholder="90d, or empty: never" />
          </label>
          <button>Make a token</button>
        </form>
      </div>
    </section>
  )
}
