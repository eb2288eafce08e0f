/** The server's API for commands: one place for the token, for errors, and for a server that is not there. */
import { z } from 'zod'
import { ERROR_TABLE, SlipwayError, type ErrorCode } from '../core/errors.ts'
import { reveal, type Secret } from '../core/secret.ts'

export interface SlipwayClient {
  readonly url: string
  /** The answer as it came when its status is 2xx; else throws what the server said. */
  request(path: string, init?: RequestOptions): Promise<Response>
  /** The answer's JSON, parsed by `schema`. */
  get<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>>
  post<Schema extends z.ZodType>(path: string, body: object, schema: Schema): Promise<z.output<Schema>>
}

export interface RequestOptions {
  readonly method?: string
  /** Sent as JSON. */
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

const errorAnswer = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    field: z.string().optional(),
    remedy: z.string().optional(),
  }),
})

export function createClient({ url, token }: { readonly url: string; readonly token: Secret | null }): SlipwayClient {
  const authorization = token === null ? {} : { authorization: `Bearer ${reveal(token)}` }
  const request = async (
    path: string,
    { method = 'GET', body, headers, signal }: RequestOptions = {},
  ): Promise<Response> => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    }).catch((cause: unknown) => {
      if (signal?.aborted === true) throw cause
      throw new SlipwayError('server_unreachable', `no Slipway answers at ${url}`, {
        cause,
        remedy: 'Start one with `slipway start`, or set SLIPWAY_URL.',
      })
    })
    if (!answer.ok) throw await refusal(answer, token === null)
    return answer
  }
  return {
    url,
    request,
    get: async (path, schema) => parsed(path, await request(path), schema),
    post: async (path, body, schema) => parsed(path, await request(path, { method: 'POST', body }), schema),
  }
}

async function refusal(answer: Response, hasNoToken: boolean): Promise<SlipwayError> {
  const text = await answer.text()
  const told = errorAnswer.safeParse(asJson(text))
  if (!told.success)
    return new SlipwayError('server_unreachable', `the server answered ${answer.status}: ${text.slice(0, 200).trim()}`)
  const { code, message, field, remedy } = told.data.error
  const advice =
    answer.status === 401 && hasNoToken && field === undefined ? 'Set SLIPWAY_TOKEN or ADMIN_TOKEN.' : remedy
  return new SlipwayError(isErrorCode(code) ? code : 'internal', message, {
    ...(field === undefined ? {} : { field }),
    ...(advice === undefined ? {} : { remedy: advice }),
  })
}

async function parsed<Schema extends z.ZodType>(
  path: string,
  answer: Response,
  schema: Schema,
): Promise<z.output<Schema>> {
  const value = schema.safeParse(asJson(await answer.text()))
  if (value.success) return value.data
  throw new SlipwayError('server_unreachable', `the answer of ${path} is not what this version expects`, {
    remedy: 'Use a `slipway` of the same version as the server.',
  })
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_TABLE, code)
}
