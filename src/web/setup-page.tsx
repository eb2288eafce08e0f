/** The set-up: one click creates the GitHub App. Only whoever reads the server's output can open it. */
import { Gate } from './layout.tsx'

export function SetupTokenPage({ problem }: { problem: string | null }) {
  return (
    <Gate title="Set-up">
      <div class="card">
        <div class="body">
          <h1>Set up Slipway</h1>
          <p class="soft">This server has no GitHub App yet. The set-up token was printed when it started.</p>
          {problem === null ? null : (
            <div class="notice bad" role="alert">
              <p>{problem}</p>
            </div>
          )}
          <form class="column" method="get" action="/setup">
            <label>
              Set-up token
              <input name="token" type="password" required autofocus autocomplete="off" />
            </label>
            <button class="main">Go on</button>
          </form>
        </div>
      </div>
    </Gate>
  )
}

export interface SetupView {
  /** GitHub's page that creates the app; `{organization}` is not part of it. */
  readonly webUrl: string
  readonly state: string
  /** The app's description as GitHub takes it. */
  readonly manifest: Readonly<Record<string, unknown>>
  /** Null, or why GitHub will not be able to send webhooks. */
  readonly warning: string | null
  readonly permissions: readonly (readonly [name: string, level: string])[]
}

export function SetupPage({ view }: { view: SetupView }) {
  const { webUrl, state, manifest, warning, permissions } = view
  return (
    <Gate title="Set-up">
      <div class="card">
        <div class="body">
          <h1>Set up Slipway</h1>
          <p class="soft">
            GitHub creates the app with these permissions and gives its keys to this server, which keeps them encrypted.
          </p>
          <ul class="plan-list">
            {permissions.map(([name, level]) => (
              <li>
                {name.replaceAll('_', ' ')} <span class="tag">{level}</span>
              </li>
            ))}
          </ul>
          {warning === null ? null : (
            <div class="notice busy">
              <p>{warning}</p>
            </div>
          )}
          <form class="column" method="post" action={`${webUrl}/settings/apps/new?state=${encodeURIComponent(state)}`}>
            <input type="hidden" name="manifest" value={JSON.stringify(manifest)} />
            <button class="main">Create the GitHub App</button>
          </form>
        </div>
      </div>
    </Gate>
  )
}

export function SetupDonePage({ name, installUrl }: { name: string; installUrl: string }) {
  return (
    <Gate title="Set-up">
      <div class="card">
        <div class="body">
          <h1>The app exists</h1>
          <p>
            <b>{name}</b> belongs to this server now, without a restart. Install it on the repositories that it should
            look after.
          </p>
          <p class="actions">
            <a class="button main" href={installUrl}>
              Install it
            </a>
          </p>
          <p class="gate-note">
            <a href="/">To the overview</a>
          </p>
        </div>
      </div>
    </Gate>
  )
}
