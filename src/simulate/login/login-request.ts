/** A request to the pages of sign-in and app creation, and the fields it carries. */

export interface LoginRequest {
  readonly method: string
  readonly url: URL
  readonly body: Buffer
  readonly accept: string
  readonly contentType: string
}

/** Form or JSON, as clients of these pages send either. */
export function readFields(request: LoginRequest): URLSearchParams {
  const source = request.body.toString()
  if (!request.contentType.includes('json')) return new URLSearchParams(source)
  const fields: Record<string, string> = JSON.parse(source)
  return new URLSearchParams(fields)
}
