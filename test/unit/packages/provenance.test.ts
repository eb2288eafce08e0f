import { describe, expect, it } from 'vitest'
import {
  generateSigningKey,
  openEnvelope,
  signPayload,
  STATEMENT_PAYLOAD_TYPE,
} from '../../../src/packages/provenance/envelope.ts'
import { provenanceStatement } from '../../../src/packages/provenance/statement.ts'
import { splitPem, verifyProvenance } from '../../../src/packages/provenance/verify-provenance.ts'

const SHA256 = 'a'.repeat(64)
const key = generateSigningKey()
const statement = provenanceStatement({
  baseUrl: 'https://slipway.example.com',
  plan: {
    owner: 'acme',
    repository: 'lib',
    package: 'lib',
    tag: 'v1',
    axes: { erl_version: '25' },
    variant: 'erl_version=25',
    image: 'erlang:25',
    commands: ['make'],
    fetch: [],
    artifact: '*.ep',
    network: 'none',
    timeoutMs: 1,
    resources: { memoryBytes: 1, cpus: 1, pids: 1 },
    logBytes: 1,
    dependencies: null,
    notifyEmail: true,
    host: 'default',
    requiredBy: [],
  },
  sourceUrl: 'https://github.com/acme/lib',
  sha: 'c'.repeat(40),
  imageId: `sha256:${'d'.repeat(64)}`,
  runId: 'run-1',
  startedAt: new Date(0),
  finishedAt: new Date(1_000),
  file: { fileName: 'lib.ep', sha256: SHA256, size: 3 },
})
const envelope = signPayload(Buffer.from(JSON.stringify(statement)), STATEMENT_PAYLOAD_TYPE, key)

describe('provenance', () => {
  it('names the file, the commit, the image and the recipe', () => {
    expect(statement).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'lib.ep', digest: { sha256: SHA256 } }],
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: {
          resolvedDependencies: [
            { uri: 'git+https://github.com/acme/lib@refs/tags/v1', digest: { gitCommit: 'c'.repeat(40) } },
            { digest: { sha256: 'd'.repeat(64) } },
          ],
        },
      },
    })
  })

  it('is verified by the key that signed it, also among others and after that key was retired', () => {
    const other = generateSigningKey()
    expect(verifyProvenance(envelope, splitPem(other.publicPem + key.publicPem), SHA256)).toMatchObject({
      kind: 'verified',
      keyId: key.id,
    })
  })

  it('is refused for another key, another file, a changed payload, type or signature', () => {
    const refused = { kind: 'refused', message: expect.any(String) }
    const payload = Buffer.from(envelope.payload, 'base64')
    payload[20] = (payload[20] ?? 0) ^ 1
    const [signature = { keyid: '', sig: '' }] = envelope.signatures
    expect(verifyProvenance(envelope, [generateSigningKey().publicPem], SHA256)).toEqual(refused)
    expect(verifyProvenance(envelope, [key.publicPem], 'b'.repeat(64))).toEqual(refused)
    for (const changed of [
      { ...envelope, payload: payload.toString('base64') },
      { ...envelope, payloadType: 'text/plain' },
      { ...envelope, signatures: [{ ...signature, sig: Buffer.alloc(64).toString('base64') }] },
      {},
      null,
    ]) {
      expect(verifyProvenance(changed, [key.publicPem], SHA256)).toEqual(refused)
    }
  })

  it('signs what DSSE says: lengths in bytes, the type and the payload', () => {
    const signed = signPayload(Buffer.from('hëllo'), 'ä', key)
    expect(openEnvelope(signed, [key.publicPem])?.payload.toString()).toBe('hëllo')
    expect(openEnvelope({ ...signed, payloadType: 'a' }, [key.publicPem])).toBeNull()
  })
})
