/**
 * The installation's signing key: made when it is first needed, the same for all processes of a database, its private
 * half encrypted. Rotation makes a new one and forgets the old private half; the old public key stays, because what it
 * signed stays.
 */
import { SlipwayError } from '../../core/errors.ts'
import type { KeyCipher, KeyStore } from '../ports.ts'
import { generateSigningKey, type SigningKey } from './envelope.ts'

export interface SigningKeys {
  current(): Promise<SigningKey>
  /** All that ever signed, the signing one first. */
  publicPems(): Promise<readonly { readonly id: string; readonly pem: string }[]>
  rotate(): Promise<SigningKey>
}

export function signingKeys(store: KeyStore, cipher: KeyCipher): SigningKeys {
  const replace = async (expected: string | null): Promise<boolean> => {
    const key = generateSigningKey()
    return store.replace(expected, {
      id: key.id,
      publicPem: key.publicPem,
      sealedPrivate: cipher.seal(key.privatePem, contextOf(key.id)),
    })
  }
  const active = async (): Promise<SigningKey | null> => {
    const key = (await store.keys()).find((one) => one.sealedPrivate !== null)
    if (key === undefined || key.sealedPrivate === null) return null
    return { id: key.id, publicPem: key.publicPem, privatePem: cipher.open(key.sealedPrivate, contextOf(key.id)) }
  }
  const current = async (): Promise<SigningKey> => {
    const found = await active()
    if (found !== null) return found
    // When another process was faster, its key is the key.
    await replace(null)
    const made = await active()
    if (made === null) throw new SlipwayError('internal', 'the key for provenance cannot be kept')
    return made
  }
  return {
    current,
    async publicPems() {
      await current()
      return (await store.keys()).map((key) => ({ id: key.id, pem: key.publicPem }))
    },
    async rotate() {
      const { id } = await current()
      await replace(id)
      return current()
    },
  }
}

const contextOf = (id: string): string => `provenance-key:${id}`
