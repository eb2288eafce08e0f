/** The GitHub App's credentials: from the environment, else those that the set-up page stored. */
import { readFileSync } from 'node:fs'
import { createPrivateKey } from 'node:crypto'
import { SlipwayError } from '../core/errors.ts'
import { reveal, secretOf, type Secret } from '../core/secret.ts'
import type { Settings } from '../config/settings.ts'
import type { AppCredentials } from '../github/connect.ts'

export function credentialsFromSettings(settings: Settings): AppCredentials | null {
  if (settings.appId === null) return null
  const privateKey = settings.privateKey ?? privateKeyFrom(settings.privateKeyPath)
  if (privateKey === null) {
    throw new SlipwayError('setting_invalid', 'APP_ID is set, but neither PRIVATE_KEY nor PRIVATE_KEY_PATH', {
      field: 'PRIVATE_KEY',
    })
  }
  checkPrivateKey(privateKey, settings.privateKey === null ? 'PRIVATE_KEY_PATH' : 'PRIVATE_KEY')
  if (settings.webhookSecret === null) {
    throw new SlipwayError(
      'setting_invalid',
      'APP_ID is set, but WEBHOOK_SECRET is not: without it no webhook can be trusted',
      {
        field: 'WEBHOOK_SECRET',
      },
    )
  }
  return { appId: settings.appId, privateKey }
}

/** REST base of GitHub, or of the Enterprise Server in `GHE_HOST`. */
export function apiUrlOf({ gheHost, gheProtocol }: Pick<Settings, 'gheHost' | 'gheProtocol'>): string {
  return gheHost === null ? 'https://api.github.com' : `${gheProtocol}://${gheHost}/api/v3`
}

/** Where people log in and look at repositories. */
export function webUrlOf({ gheHost, gheProtocol }: Pick<Settings, 'gheHost' | 'gheProtocol'>): string {
  return gheHost === null ? 'https://github.com' : `${gheProtocol}://${gheHost}`
}

function privateKeyFrom(path: string | null): Secret | null {
  if (path === null) return null
  try {
    return secretOf(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new SlipwayError('setting_invalid', `PRIVATE_KEY_PATH: ${path} cannot be read`, {
      cause,
      field: 'PRIVATE_KEY_PATH',
    })
  }
}

function checkPrivateKey(key: Secret, variable: string): void {
  try {
    createPrivateKey(reveal(key))
  } catch (cause) {
    throw new SlipwayError('setting_invalid', `${variable} holds no private key in PEM form`, {
      cause,
      field: variable,
    })
  }
}
