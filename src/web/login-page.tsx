/** The way in: with GitHub where the app has OAuth, and with an admin's token. */
import { Gate } from './layout.tsx'

export interface LoginPageProps {
  readonly hasGitHub: boolean
  /** Where to go afterwards: a path of ours. */
  readonly next: string
  readonly problem: string | null
}

export function LoginPage({ hasGitHub, next, problem }: LoginPageProps) {
  return (
    <Gate title="Log in">
      <div class="card">
        <div class="body">
          <h1 class="hidden-text">Log in</h1>
          {problem === null ? null : (
            <div class="notice bad" role="alert">
              <p>{problem}</p>
            </div>
          )}
          {hasGitHub ? (
            <>
              <a class="button main" href={`/login/github?next=${encodeURIComponent(next)}`}>
                Log in with GitHub
              </a>
              <p class="or">or</p>
            </>
          ) : null}
          <form class="column" method="post" action="/login">
            <input type="hidden" name="next" value={next} />
            <label>
              Admin token
              <input
                type="password"
                name="token"
                required
                autocomplete="current-password"
                {...(hasGitHub ? {} : { autofocus: true })}
              />
            </label>
            <button class={hasGitHub ? '' : 'main'}>Log in with the token</button>
          </form>
        </div>
      </div>
      <p class="soft small gate-note">
        {hasGitHub
          ? 'You see the repositories that you may read on GitHub.'
          : 'The token was printed when the server started for the first time, or is in ADMIN_TOKEN.'}
      </p>
    </Gate>
  )
}
