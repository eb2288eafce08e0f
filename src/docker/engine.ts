/**
 * The one door to a Docker Engine. Requests are plain data made by pure functions; this file only carries them out,
 * puts a limit on each and says in our own words what went wrong.
 *
 * dockerode's modem does the HTTP (unix socket, TLS, upgraded connections, error bodies). Its convenience methods are
 * not used: they hide the request, know no time limits, and report a failed build as a success.
 */
import { text } from 'node:stream/consumers'
import type { Duplex, Readable } from 'node:stream'
import type Docker from 'dockerode'
import { SlipwayError } from '../core/errors.ts'
import { engineError } from './engine-error.ts'

export type QueryValue = string | number | boolean | readonly string[] | Readonly<Record<string, unknown>>

export interface EngineRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD'
  /** Begins with a slash; variable parts are percent-encoded with `segment`. */
  readonly path: string
  /** Objects are sent as JSON, arrays as repeated keys, undefined is left out. */
  readonly query?: Readonly<Record<string, QueryValue | undefined>>
  readonly body?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

export interface CallOptions {
  /** How long the Engine may take to answer; for streams, until its first byte of headers. 0 switches it off. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
}

export interface DockerEngine {
  /** Name of the host, for messages. */
  readonly host: string
  /** Waits for the whole answer: parsed JSON, or undefined where the Engine sends no body. */
  call(request: EngineRequest, options?: CallOptions): Promise<unknown>
  /** The answer as it arrives. `upload` is sent as the body, a tar archive. */
  stream(request: EngineRequest, options?: CallOptions & { readonly upload?: Readable }): Promise<Readable>
  /** The raw connection of attach and exec, for reading: nothing is ever typed into a container. */
  upgrade(request: EngineRequest, options?: CallOptions): Promise<Duplex>
}

/** An Engine answers plain calls in milliseconds; half a minute means it hangs, also under heavy load. */
export const CALL_TIMEOUT_MS = 30_000

const ACCEPTED = { 101: true, 200: true, 201: true, 202: true, 204: true, 304: true }

/** One variable part of a path. */
export function segment(value: string): string {
  return encodeURIComponent(value)
}

export function dockerEngine(host: string, docker: Docker): DockerEngine {
  /** Runs one request under its limit and names its failure; what `use` returns has been received whole. */
  const limited = async <T>(
    request: EngineRequest,
    options: CallOptions,
    use: (limit: CallLimit) => Promise<T>,
  ): Promise<T> => {
    const limit = callLimit(options)
    try {
      return await use(limit)
    } catch (thrown) {
      limit.release()
      if (options.signal?.aborted === true) throw cancelled(options.signal)
      throw engineError(host, `${request.method} ${request.path}`, limit.timedOut() ? limit.reason : thrown)
    } finally {
      limit.answered()
    }
  }
  return {
    host,
    call: (request, options = {}) =>
      limited(request, options, async (limit) => {
        // The modem would wait for ever for the rest of a body that was cut off; a stream that is read here breaks.
        const body = await text(asReadable(await dialOnce(docker, request, { kind: 'stream' }, limit.signal)))
        limit.release()
        return parseBody(body)
      }),
    stream: (request, options = {}) =>
      limited(request, options, async (limit) => {
        const answer = asReadable(
          await dialOnce(docker, request, { kind: 'stream', upload: options.upload }, limit.signal),
        )
        // The caller's signal ends the stream as long as it flows.
        return answer.once('close', limit.release)
      }),
    upgrade: (request, options = {}) =>
      limited(request, options, async (limit) =>
        asDuplex(await dialOnce(docker, request, { kind: 'upgrade' }, limit.signal)).once('close', limit.release),
      ),
  }
}

interface DialMode {
  readonly kind: 'stream' | 'upgrade'
  readonly upload?: Readable | undefined
}

function dialOnce(docker: Docker, request: EngineRequest, mode: DialMode, signal: AbortSignal): Promise<unknown> {
  const query = Object.fromEntries(Object.entries(request.query ?? {}).filter(([, value]) => value !== undefined))
  return new Promise((resolve, reject) => {
    docker.modem.dial(
      {
        // The modem appends the query only to a path that ends like this.
        path: `${request.path}?`,
        method: request.method,
        headers: { ...request.headers },
        options: { _query: query, _body: request.body ?? {} },
        statusCodes: ACCEPTED,
        abortSignal: signal,
        isStream: mode.kind === 'stream',
        ...(mode.upload === undefined ? {} : { file: mode.upload }),
        ...(mode.kind === 'upgrade' ? { hijack: true } : {}),
      },
      (error, result) => (error === null ? resolve(result) : reject(error)),
    )
  })
}

interface CallLimit {
  readonly signal: AbortSignal
  readonly reason: Error
  timedOut(): boolean
  /** The time limit has been kept. */
  answered(): void
  /** Lets go of the caller's signal. */
  release(): void
}

/** Joins the caller's signal and the time limit, and lets go of the caller's signal afterwards so that it can live long. */
function callLimit(options: CallOptions): CallLimit {
  const controller = new AbortController()
  const timeoutMs = options.timeoutMs ?? CALL_TIMEOUT_MS
  const reason = new Error(`no answer within ${timeoutMs / 1000} s`)
  let timedOut = false
  const timer =
    timeoutMs === 0
      ? undefined
      : setTimeout(() => {
          timedOut = true
          controller.abort(reason)
        }, timeoutMs)
  const follow = (): void => controller.abort(options.signal?.reason)
  if (options.signal?.aborted === true) follow()
  options.signal?.addEventListener('abort', follow, { once: true })
  return {
    signal: controller.signal,
    reason,
    timedOut: () => timedOut,
    answered: () => clearTimeout(timer),
    release: () => options.signal?.removeEventListener('abort', follow),
  }
}

function cancelled(signal: AbortSignal): SlipwayError {
  return new SlipwayError('cancelled', 'the call to the Docker host was cancelled', { cause: signal.reason })
}

/** A few routes answer with plain text. */
function parseBody(body: string): unknown {
  if (body === '') return undefined
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}

function asReadable(answer: unknown): Readable {
  return answer as Readable
}

function asDuplex(answer: unknown): Duplex {
  return answer as Duplex
}
