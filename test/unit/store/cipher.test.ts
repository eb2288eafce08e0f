import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { reveal, secretOf } from '../../../src/core/secret.ts'
import { createCipher } from '../../../src/store/cipher.ts'
import { loadEncryptionKey } from '../../../src/store/encryption-key.ts'

const KEY = Buffer.alloc(32, 1).toString('base64')

describe('the cipher', () => {
  it('opens what it sealed, and seals the same text differently each time', () => {
    const cipher = createCipher(KEY)
    const sealed = cipher.seal('sëcret', 'place')
    expect(cipher.open(sealed, 'place')).toBe('sëcret')
    expect(Buffer.from(sealed).equals(Buffer.from(cipher.seal('sëcret', 'place')))).toBe(false)
  })

  it('opens nothing from another place, key or with a changed byte', () => {
    const cipher = createCipher(KEY)
    const sealed = cipher.seal('secret', 'place')
    expect(() => cipher.open(sealed, 'elsewhere')).toThrow()
    expect(() => createCipher(Buffer.alloc(32, 2).toString('base64')).open(sealed, 'place')).toThrow(
      'another ENCRYPTION_KEY',
    )
    const changed = Uint8Array.from(sealed)
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    expect(() => cipher.open(changed, 'place')).toThrow()
    expect(() => cipher.open(new Uint8Array(), 'place')).toThrow()
  })

  it('takes 32 bytes only', () => {
    expect(() => createCipher('c2hvcnQ=')).toThrow('ENCRYPTION_KEY must be 32 bytes')
  })
})

describe('the key', () => {
  it('is made once, for its owner alone, by however many start at once', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'slipway-key-'))
    const keys = await Promise.all([1, 2, 3, 4].map(async () => reveal(await loadEncryptionKey(null, directory))))
    expect(new Set(keys).size).toBe(1)
    expect(createCipher(keys[0] ?? '').fingerprint).toMatch(/^[\da-f]{64}$/)
    expect((await stat(join(directory, 'encryption.key'))).mode & 0o077).toBe(0)
    expect(reveal(await loadEncryptionKey(secretOf(` ${KEY}\n`), directory))).toBe(KEY)
    await rm(directory, { recursive: true })
  })
})
