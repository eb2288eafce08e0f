/** Stands in every form that changes something; `guard.ts` asks for it. */
import type { Session } from './session.ts'

export const CSRF_FIELD = '_csrf'

export function CsrfField({ session }: { session: Session }) {
  return <input type="hidden" name={CSRF_FIELD} value={session.csrf ?? ''} />
}
