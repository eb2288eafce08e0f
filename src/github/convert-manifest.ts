/** The last step of creating an app from a manifest: GitHub's one-time code becomes the app's credentials. */
import { Octokit } from '@octokit/rest'
import { SlipwayError } from '../core/errors.ts'
import { secretOf, type Secret } from '../core/secret.ts'
import { asGitHubError } from './github-error.ts'

export interface CreatedApp {
  readonly appId: number
  readonly slug: string
  readonly htmlUrl: string
  readonly clientId: string
  readonly clientSecret: Secret
  readonly webhookSecret: Secret
  readonly privateKey: Secret
}

/** @param apiUrl REST base of GitHub. Throws `not_found` for a code that was used or is older than an hour. */
export async function convertManifest(apiUrl: string, code: string): Promise<CreatedApp> {
  const client = new Octokit({ baseUrl: apiUrl, userAgent: 'slipway' })
  const { data } = await client.rest.apps.createFromManifest({ code }).catch((error: unknown) => {
    throw asGitHubError(error)
  })
  if (data.webhook_secret === null) throw new SlipwayError('github_refused', 'GitHub gave the app no webhook secret')
  return {
    appId: data.id,
    slug: data.slug ?? '',
    htmlUrl: data.html_url,
    clientId: data.client_id,
    clientSecret: secretOf(data.client_secret),
    webhookSecret: secretOf(data.webhook_secret),
    privateKey: secretOf(data.pem),
  }
}
