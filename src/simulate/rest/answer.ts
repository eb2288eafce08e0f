/** What an operation answers, and how it refuses. */
import type { Json, JsonObject } from '../json.ts'

export interface Answer {
  readonly status: number
  readonly body?: Json
  /** Sent as it is, instead of a JSON body. */
  readonly raw?: Buffer
  readonly headers?: Readonly<Record<string, string>>
}

export function ok(body: Json, status = 200): Answer {
  return { status, body }
}

export const noContent: Answer = { status: 204 }

const refused = Symbol('refused')

/** An error that carries GitHub's answer; thrown by lookups deep inside an operation. */
export type Refusal = Error & { readonly [refused]: Answer }

export function refuse(
  status: number,
  message: string,
  more: JsonObject = {},
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  const body = { message, ...more, documentation_url: '/rest', status: String(status) }
  return Object.assign(new Error(message), { [refused]: { status, body, headers } })
}

export function notFound(): Refusal {
  return refuse(404, 'Not Found')
}

/** GitHub's form of "that value is not allowed". */
export function unprocessable(message: string, errors: readonly Json[] = []): Refusal {
  return refuse(422, message, { errors })
}

export function refusedAnswer(error: unknown): Answer | undefined {
  return error instanceof Error && refused in error ? (error as Refusal)[refused] : undefined
}
