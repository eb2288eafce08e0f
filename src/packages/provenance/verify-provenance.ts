import { openEnvelope, parseEnvelope, STATEMENT_PAYLOAD_TYPE } from './envelope.ts'
import { parseStatement, type ProvenanceStatement } from './statement.ts'

export type Verification =
  | { readonly kind: 'verified'; readonly keyId: string; readonly statement: ProvenanceStatement }
  | { readonly kind: 'refused'; readonly message: string }

/** Whether one of the keys vouches for a file with this digest, and for what. */
export function verifyProvenance(envelope: unknown, publicPems: readonly string[], sha256: string): Verification {
  const parsed = parseEnvelope(envelope)
  if (parsed === null) return refused('the provenance is no DSSE envelope')
  if (parsed.payloadType !== STATEMENT_PAYLOAD_TYPE)
    return refused(`the payload is of type ${JSON.stringify(parsed.payloadType)}`)
  const opened = openEnvelope(parsed, publicPems)
  if (opened === null) return refused('no key of this installation signed the provenance')
  const statement = parseStatement(opened.payload)
  if (statement === null) return refused('the payload is no SLSA provenance statement')
  const isMeant = statement.subject.some(({ digest }) => digest['sha256'] === sha256)
  return isMeant
    ? { kind: 'verified', keyId: opened.keyId, statement }
    : refused('the provenance is about another file')
}

/** The single keys of a file that may hold several. */
export function splitPem(text: string): readonly string[] {
  return text.match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g) ?? []
}

function refused(message: string): Verification {
  return { kind: 'refused', message }
}
