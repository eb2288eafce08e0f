/** DSSE: a payload with signatures over its exact bytes and type, so that nothing has to be brought into a canonical form. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { z } from 'zod'

export const STATEMENT_PAYLOAD_TYPE = 'application/vnd.in-toto+json'

const envelopeSchema = z.object({
  payload: z.string(),
  payloadType: z.string(),
  signatures: z.array(z.object({ keyid: z.string(), sig: z.string() })).min(1),
})
export type Envelope = Readonly<z.infer<typeof envelopeSchema>>

export interface SigningKey {
  readonly id: string
  /** PKCS #8 as PEM. */
  readonly privatePem: string
  /** SPKI as PEM. */
  readonly publicPem: string
}

export function generateSigningKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  return { id: keyId(publicPem), publicPem, privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

/** The sha-256 of the public key in DER: the same for whoever holds the key. */
export function keyId(publicPem: string): string {
  return createHash('sha256')
    .update(createPublicKey(publicPem).export({ type: 'spki', format: 'der' }))
    .digest('hex')
}

export function signPayload(payload: Buffer, payloadType: string, key: SigningKey): Envelope {
  const sig = sign(null, preAuthentication(payload, payloadType), createPrivateKey(key.privatePem))
  return {
    payload: payload.toString('base64'),
    payloadType,
    signatures: [{ keyid: key.id, sig: sig.toString('base64') }],
  }
}

/** The payload if one of the keys signed it, else null. */
export function openEnvelope(
  envelope: Envelope,
  publicPems: readonly string[],
): { readonly payload: Buffer; readonly keyId: string } | null {
  const payload = Buffer.from(envelope.payload, 'base64')
  const signed = preAuthentication(payload, envelope.payloadType)
  for (const pem of publicPems) {
    const key = createPublicKey(pem)
    if (key.asymmetricKeyType !== 'ed25519') continue
    if (envelope.signatures.some(({ sig }) => verify(null, signed, key, Buffer.from(sig, 'base64'))))
      return { payload, keyId: keyId(pem) }
  }
  return null
}

/** Null when it is something else. */
export function parseEnvelope(value: unknown): Envelope | null {
  const parsed = envelopeSchema.safeParse(value)
  return parsed.success ? parsed.data : null
}

/** `DSSEv1 <length> <type> <length> <payload>`, lengths in bytes. */
function preAuthentication(payload: Buffer, type: string): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload])
}
