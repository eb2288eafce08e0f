/**
 * Bodies of the compatible package API as its clients know them: most answers wrapped in `{result, response}`, faults of
 * the request itself in the framework's own shape, without the wrapper.
 */
import type { Context } from 'hono'
import { z } from 'zod'
import { outcomeMessage, packageResultOf, type BuildRecord } from '../packages/index.ts'

const JSON_TYPE = 'application/json;charset=UTF-8'
export const TEXT_TYPE = 'text/plain;charset=UTF-8'

/** An object is taken for a list of one: the client sends its question for Erlang versions so. */
const version = z.object({ ref: z.string().nullish(), erl_version: z.coerce.string().nullish() })
const versions = z.union([z.array(version), version.transform((one) => [one])]).nullish()
export const repositoryBody = z.object({
  full_name: z.string().nullish(),
  clone_url: z.string().nullish(),
  versions,
  ref_type: z.string().nullish(),
  notify_email: z.boolean().nullish(),
})
export type RepositoryBody = z.infer<typeof repositoryBody>

export function wrapped(
  response: unknown,
  result = true,
  status = result ? 200 : 400,
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify({ result, response }), {
    status,
    headers: { 'content-type': JSON_TYPE, ...headers },
  })
}

export function invalid(text: string): Response {
  return wrapped(`Validation failed: ${text}`, false)
}

/** A request that never reached the contract: a missing parameter, broken JSON, a wrong type. */
export function frameworkError(context: Context, exception: string, message: string, field?: string): Response {
  const errors = field === undefined ? {} : { errors: [{ field, defaultMessage: message }] }
  const body = {
    timestamp: Date.now(),
    status: 400,
    error: 'Bad Request',
    exception,
    ...errors,
    message,
    path: context.req.path,
  }
  return new Response(JSON.stringify(body), { status: 400, headers: { 'content-type': JSON_TYPE } })
}

export function missingParameter(context: Context, type: string, name: string): Response {
  return frameworkError(
    context,
    'org.springframework.web.bind.MissingServletRequestParameterException',
    `Required ${type} parameter '${name}' is not present`,
  )
}

export function fieldError(context: Context, field: string, message: string): Response {
  return frameworkError(context, 'org.springframework.web.bind.MethodArgumentNotValidException', message, field)
}

export function unreadable(context: Context): Response {
  return frameworkError(
    context,
    'org.springframework.http.converter.HttpMessageNotReadableException',
    'Could not read document: the body is not the JSON that this route takes',
  )
}

export function plainText(text: string, status = 200): Response {
  return new Response(text, { status, headers: { 'content-type': TEXT_TYPE } })
}

export interface EchoedRequest {
  readonly fullName: string
  readonly cloneUrl: string
  readonly versions: readonly { readonly ref: string; readonly erlVersion: string | null }[]
  readonly refType: string | null
  readonly notifyEmail: boolean
  readonly buildIds: readonly string[]
}

/** What build routes answer: the request, and under two keys of ours the builds it led to. */
export function echo({ fullName, cloneUrl, versions, refType, notifyEmail, buildIds }: EchoedRequest): Response {
  return wrapped({
    full_name: fullName,
    clone_url: cloneUrl,
    versions: versions.map(({ ref, erlVersion }) => ({ version_id: null, ref, erl_version: erlVersion, builds: null })),
    ref_type: refType,
    notify_email: notifyEmail,
    buildId: null,
    build_id: buildIds[0] ?? null,
    build_ids: buildIds,
  })
}

export function isGoodBuild(build: BuildRecord): boolean {
  return build.conclusion === 'success' || build.conclusion === 'neutral'
}

export function searchRow(build: BuildRecord) {
  const success = isGoodBuild(build)
  return {
    build_id: build.runId,
    namespace: build.package.owner,
    name: build.package.name,
    success,
    path: success ? `/download/${build.runId}` : `/build_log?build_id=${build.runId}`,
    erl_version: build.axes['erl_version'] ?? null,
    version: build.version.tag,
    build_date: buildDate(build.completedAt ?? build.createdAt),
  }
}

export function buildRow(build: BuildRecord) {
  const success = isGoodBuild(build)
  const outcome = packageResultOf(build)?.outcome
  return {
    build_id: build.runId,
    result: success,
    message: outcome === undefined ? (build.reason ?? '') : outcomeMessage(outcome),
    artifact_path: success ? `/download/${build.runId}` : null,
    created_date: (build.completedAt ?? build.createdAt).getTime(),
    fullName: null,
    cloneUrl: null,
  }
}

/** `2026-03-01 17:05`, UTC, with twenty-four hours. */
function buildDate(date: Date): string {
  return date.toISOString().slice(0, 16).replace('T', ' ')
}
