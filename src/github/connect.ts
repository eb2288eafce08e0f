/**
 * GitHub as a client: one Octokit for the app and one for each installation, made when first asked for. Retries and
 * throttling are not Octokit's plugins here: the outbox keeps what is to be written, orders it, and decides when to
 * try again, so a second layer that repeats requests by itself would only create things twice.
 */
import { createAppAuth } from '@octokit/auth-app'
import { Octokit } from '@octokit/rest'
import { SlipwayError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { reveal, secretOf, type Secret } from '../core/secret.ts'
import { asGitHubError } from './github-error.ts'
import { politeFetch } from './polite-fetch.ts'

/** GitHub answers within seconds; a call that hangs must not hold a report for ever. */
const REQUEST_TIMEOUT_MS = 20_000

export interface AppCredentials {
  readonly appId: number
  readonly privateKey: Secret
}

/** A token for one repository, contents only, for git; it never enters a container. */
export interface CloneToken {
  readonly token: Secret
}

export interface GitHub {
  /** Null until credentials are there. */
  appId(): number | null
  /** New credentials take effect with the next call. */
  configure(credentials: AppCredentials): void
  app(): Octokit
  installation(installationId: number): Octokit
  cloneToken(installationId: number, repositoryId: number): Promise<CloneToken>
  /** Runs a request and turns every failure into one of ours. */
  call<Result>(work: () => Promise<Result>): Promise<Result>
}

/** @param apiUrl REST base, e.g. `https://github.example.com/api/v3` */
export function connectGitHub(apiUrl: string, credentials: AppCredentials | null, logger: Logger): GitHub {
  let current = credentials
  const installations = new Map<number, Octokit>()
  let appClient: Octokit | null = null

  const log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message: string) => logger.warn({ from: 'octokit' }, message),
    error: (message: string) => logger.debug({ from: 'octokit' }, message),
  }
  const client = (installationId?: number): Octokit => {
    if (current === null) throw new SlipwayError('not_configured', 'the GitHub App has no credentials yet')
    const made = new Octokit({
      baseUrl: apiUrl,
      userAgent: 'slipway',
      log,
      request: { fetch: politeFetch(REQUEST_TIMEOUT_MS) },
      authStrategy: createAppAuth,
      auth: {
        appId: current.appId,
        privateKey: reveal(current.privateKey),
        ...(installationId === undefined ? {} : { installationId }),
      },
    })
    if (installationId === undefined) return made
    made.hook.error('request', (error) => {
      // A token that ended before its time is not asked for anew as long as the client remembers it.
      if ('status' in error && error.status === 401 && installations.get(installationId) === made) {
        installations.delete(installationId)
      }
      throw error
    })
    return made
  }

  return {
    appId: () => current?.appId ?? null,
    configure(fresh) {
      current = fresh
      appClient = null
      installations.clear()
    },
    app: () => (appClient ??= client()),
    installation(installationId) {
      const known = installations.get(installationId) ?? client(installationId)
      installations.set(installationId, known)
      return known
    },
    async cloneToken(installationId, repositoryId) {
      const answer: unknown = await this.call(() =>
        this.app().auth({
          type: 'installation',
          installationId,
          repositoryIds: [repositoryId],
          permissions: { contents: 'read' },
        }),
      )
      return { token: tokenOf(answer) }
    },
    async call(work) {
      try {
        return await work()
      } catch (error) {
        throw asGitHubError(error)
      }
    },
  }
}

function tokenOf(authentication: unknown): Secret {
  if (typeof authentication === 'object' && authentication !== null && 'token' in authentication) {
    if (typeof authentication.token === 'string') return secretOf(authentication.token)
  }
  throw new SlipwayError('github_refused', 'GitHub gave no installation token')
}
