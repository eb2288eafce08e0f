/** Log-in with GitHub, as the environment or the set-up page configured it. */
import { createGitHubLogin, type GitHubLogin } from '../web/github-login.ts'
import type { Foundation } from './foundation.ts'
import { apiUrlOf, webUrlOf } from './github-credentials.ts'

export interface OAuth {
  /** Null while it is not configured. */
  readonly current: () => GitHubLogin | null
  /** Reads the configuration again; the set-up page may have brought it. */
  load(): Promise<void>
}

export function createOAuth({ settings, credentials }: Pick<Foundation, 'settings' | 'credentials'>): OAuth {
  let login: GitHubLogin | null = null
  return {
    current: () => login,
    async load() {
      // A client of the environment belongs to another app than the stored one's secret.
      const made = settings.githubClientId === null ? await credentials.load() : null
      const clientId = settings.githubClientId ?? made?.clientId ?? null
      const clientSecret = settings.githubClientSecret ?? made?.clientSecret ?? null
      if (clientId === null || clientSecret === null) return
      login = createGitHubLogin({
        clientId,
        clientSecret,
        webUrl: webUrlOf(settings),
        apiUrl: apiUrlOf(settings),
        redirectUri: `${settings.baseUrl}/login/callback`,
      })
    },
  }
}
