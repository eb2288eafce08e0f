/** A simulated GitHub with a webhook receiver, a control client and Octokits, for the self tests. */
import { createAppAuth } from '@octokit/auth-app'
import { Octokit } from '@octokit/rest'
import type { ControlClient, SimulatedGitHub } from '../../../src/simulate/index.ts'
import { createControlClient, startSimulatedGitHub } from '../../../src/simulate/index.ts'
import type { WebhookReceiver } from './webhook-receiver.ts'
import { startWebhookReceiver } from './webhook-receiver.ts'

export interface SimulatedApp {
  readonly github: SimulatedGitHub
  readonly control: ControlClient
  readonly receiver: WebhookReceiver
  /** Signed by the app's key. */
  readonly app: Octokit
  /** With the token of the installation on an account. */
  readonly installed: (account: string) => Promise<Octokit>
  readonly close: () => Promise<void>
}

/** Octokit prints refusals that a test asks for. */
export const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

const webhookSecret = 'a secret for tests'

export async function startSimulatedApp(): Promise<SimulatedApp> {
  const receiver = await startWebhookReceiver(webhookSecret)
  const github = await startSimulatedGitHub({ webhookUrl: receiver.url, webhookSecret })
  const auth = { appId: github.appId, privateKey: github.privateKey }
  const app = new Octokit({ baseUrl: github.apiUrl, authStrategy: createAppAuth, auth, log: quiet })
  return {
    github,
    control: createControlClient(github),
    receiver,
    app,
    installed: async (account) => {
      const { data } = await app.rest.apps.listInstallations()
      const installation = data.find(
        (candidate) =>
          candidate.account !== null && 'login' in candidate.account && candidate.account.login === account,
      )
      if (installation === undefined) throw new Error(`the app is not installed on ${account}`)
      return new Octokit({
        baseUrl: github.apiUrl,
        authStrategy: createAppAuth,
        auth: { ...auth, installationId: installation.id },
        log: quiet,
      })
    },
    close: async () => {
      await github.close()
      await receiver.close()
    },
  }
}
