/** What the set-up page got from GitHub when it made the app; sealed, and used when the environment names no app. */
import { z } from 'zod'
import { secretOf, reveal, type Secret } from '../core/secret.ts'
import type { Cipher } from './cipher.ts'
import type { InstallationSettings } from './installation-settings.ts'

const SETTING = 'app_credentials'

export interface StoredAppCredentials {
  readonly appId: number
  readonly privateKey: Secret
  readonly webhookSecret: Secret
  readonly clientId: string
  readonly clientSecret: Secret
  readonly slug: string
}

export interface AppCredentialStore {
  load(): Promise<StoredAppCredentials | null>
  save(credentials: StoredAppCredentials): Promise<void>
}

const storedShape = z.object({
  appId: z.number(),
  privateKey: z.string(),
  webhookSecret: z.string(),
  clientId: z.string(),
  clientSecret: z.string(),
  slug: z.string(),
})

export function createAppCredentialStore(settings: InstallationSettings, cipher: Cipher): AppCredentialStore {
  return {
    async load() {
      const sealed = await settings.get(SETTING)
      if (typeof sealed !== 'string') return null
      const { appId, clientId, slug, ...secrets } = storedShape.parse(
        JSON.parse(cipher.open(Buffer.from(sealed, 'base64'), SETTING)),
      )
      return {
        appId,
        clientId,
        slug,
        privateKey: secretOf(secrets.privateKey),
        webhookSecret: secretOf(secrets.webhookSecret),
        clientSecret: secretOf(secrets.clientSecret),
      }
    },
    async save(credentials) {
      const plain = {
        ...credentials,
        privateKey: reveal(credentials.privateKey),
        webhookSecret: reveal(credentials.webhookSecret),
        clientSecret: reveal(credentials.clientSecret),
      }
      await settings.set(SETTING, Buffer.from(cipher.seal(JSON.stringify(plain), SETTING)).toString('base64'))
    },
  }
}
