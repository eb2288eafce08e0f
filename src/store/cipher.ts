/**
 * Secrets at rest: AES-256-GCM with a fresh nonce each time. The context is authenticated with the text, so that a
 * ciphertext copied to another row does not open there. The key's id stands in front, for the day there are two.
 *
 *     1 byte format | 4 bytes key id | 12 bytes nonce | 16 bytes tag | ciphertext
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { SlipwayError } from '../core/errors.ts'
import { sql, type Queryable } from './database.ts'

const FORMAT = 1
const KEY_BYTES = 32
const KEY_ID_BYTES = 4
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 1 + KEY_ID_BYTES
const FINGERPRINT_SETTING = 'encryption_key_fingerprint'

export interface Cipher {
  seal(text: string, context: string): Uint8Array
  /** Throws when the bytes were sealed with another key or for another context. */
  open(sealed: Uint8Array, context: string): string
  /** Tells keys apart without telling the key. */
  readonly fingerprint: string
}

/** @param key 32 bytes as base64 */
export function createCipher(key: string): Cipher {
  const bytes = Buffer.from(key, 'base64')
  if (bytes.length !== KEY_BYTES) {
    throw new SlipwayError('setting_invalid', 'ENCRYPTION_KEY must be 32 bytes as base64', { field: 'ENCRYPTION_KEY' })
  }
  const fingerprint = createHash('sha256').update('slipway key fingerprint').update(bytes).digest('hex')
  const keyId = Buffer.from(fingerprint, 'hex').subarray(0, KEY_ID_BYTES)
  return {
    fingerprint,
    seal(text, context) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', bytes, nonce).setAAD(Buffer.from(context))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([Buffer.of(FORMAT), keyId, nonce, cipher.getAuthTag(), body])
    },
    open(sealed, context) {
      const box = Buffer.from(sealed)
      if (box[0] !== FORMAT || !box.subarray(1, HEADER_BYTES).equals(keyId)) {
        throw new SlipwayError('internal', 'a stored secret was encrypted with another ENCRYPTION_KEY')
      }
      const nonce = box.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES)
      const tag = box.subarray(HEADER_BYTES + NONCE_BYTES, HEADER_BYTES + NONCE_BYTES + TAG_BYTES)
      const decipher = createDecipheriv('aes-256-gcm', bytes, nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(Buffer.from(context)).setAuthTag(tag)
      const body = box.subarray(HEADER_BYTES + NONCE_BYTES + TAG_BYTES)
      return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
    },
  }
}

/** The first process leaves the key's fingerprint in the database; one with another key must not start. */
export async function ensureKeyFits(db: Queryable, cipher: Cipher): Promise<void> {
  await db.run(sql`insert into settings (key, value) values (${FINGERPRINT_SETTING}, ${JSON.stringify(cipher.fingerprint)}::jsonb)
    on conflict (key) do nothing`)
  const row = await db.first<{ value: unknown }>(sql`select value from settings where key = ${FINGERPRINT_SETTING}`)
  if (row?.value === cipher.fingerprint) return
  throw new SlipwayError('setting_invalid', 'ENCRYPTION_KEY is not the key this database was encrypted with', {
    field: 'ENCRYPTION_KEY',
    remedy: 'Give every process that shares the database the key of the first one.',
  })
}
