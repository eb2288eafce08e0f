/** GitHub's side of a log-in: OAuth's web flow with state and PKCE. The token serves to ask who it is, and is forgotten. */
import * as oauth from 'oauth4webapi'
import { z } from 'zod'
import { errorMessage } from '../core/errors.ts'
import { reveal, type Secret } from '../core/secret.ts'

/** GitHub answers within seconds; a person waits before a white page. */
const TIMEOUT_MS = 10_000

export interface GitHubLoginConfig {
  readonly clientId: string
  readonly clientSecret: Secret
  /** Where people log in: `https://github.com`. */
  readonly webUrl: string
  readonly apiUrl: string
  /** Where GitHub sends them back. */
  readonly redirectUri: string
}

export type LoginOutcome =
  | { readonly kind: 'ok'; readonly login: string }
  | { readonly kind: 'refused'; readonly cause: string }

export interface GitHubLogin {
  begin(): Promise<{ readonly address: string; readonly state: string; readonly verifier: string }>
  /** @param returned the address to which GitHub sent the person back */
  finish(returned: URL, flow: { readonly state: string; readonly verifier: string }): Promise<LoginOutcome>
}

const userShape = z.object({ login: z.string().min(1) })

export function createGitHubLogin(config: GitHubLoginConfig): GitHubLogin {
  const server: oauth.AuthorizationServer = {
    issuer: config.webUrl,
    authorization_endpoint: `${config.webUrl}/login/oauth/authorize`,
    token_endpoint: `${config.webUrl}/login/oauth/access_token`,
  }
  const client: oauth.Client = { client_id: config.clientId }
  const options = {
    [oauth.allowInsecureRequests]: config.webUrl.startsWith('http:'),
    signal: () => AbortSignal.timeout(TIMEOUT_MS),
  }
  return {
    async begin() {
      const verifier = oauth.generateRandomCodeVerifier()
      const state = oauth.generateRandomState()
      const address = new URL(server.authorization_endpoint ?? '')
      address.search = new URLSearchParams({
        client_id: config.clientId,
        redirect_uri: config.redirectUri,
        state,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      }).toString()
      return { address: address.href, state, verifier }
    },
    async finish(returned, { state, verifier }) {
      try {
        const parameters = oauth.validateAuthResponse(server, client, returned, state)
        const secret = oauth.ClientSecretPost(reveal(config.clientSecret))
        const answer = await oauth.authorizationCodeGrantRequest(
          server,
          client,
          secret,
          parameters,
          config.redirectUri,
          verifier,
          options,
        )
        const { access_token: token } = await oauth.processAuthorizationCodeResponse(server, client, answer)
        return { kind: 'ok', login: await whoIs(config.apiUrl, token) }
      } catch (error) {
        return { kind: 'refused', cause: errorMessage(error) }
      }
    },
  }
}

async function whoIs(apiUrl: string, token: string): Promise<string> {
  const answer = await fetch(`${apiUrl}/user`, {
    headers: { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json', 'user-agent': 'slipway' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  if (!answer.ok) throw new Error(`GitHub answered ${answer.status} when asked who logged in`)
  return userShape.parse(await answer.json()).login
}
