import { z } from 'zod'

/** Ids are the caller's own words, also numbers, and are given back as they came. */
const ID = /^[A-Za-z0-9._:-]{1,128}$/

export const idValue = z.union([z.string().regex(ID), z.number().int().nonnegative()])
export type IdValue = z.output<typeof idValue>

export const TRIGGER_KEYS = ['pipelineId', 'orgId', 'repoId', 'gitRepoDir', 'stageId'] as const

export const triggerBody = z.object({
  pipelineId: idValue,
  orgId: idValue,
  repoId: idValue,
  gitRepoDir: z.string().min(1).max(4096),
  stageId: idValue,
})
export type TriggerBody = z.output<typeof triggerBody>

export type ParsedTrigger =
  | { readonly kind: 'ok'; readonly body: TriggerBody }
  | { readonly kind: 'invalid'; readonly field: string; readonly message: string }

/** Unknown keys are ignored; the first missing or wrong one is named. */
export function parseTrigger(body: Readonly<Record<string, unknown>>): ParsedTrigger {
  const missing = TRIGGER_KEYS.find((key) => body[key] === undefined || body[key] === null || body[key] === '')
  if (missing !== undefined) return { kind: 'invalid', field: missing, message: `${missing} is missing` }
  const parsed = triggerBody.safeParse(body)
  if (parsed.success) return { kind: 'ok', body: parsed.data }
  const field = String(parsed.error.issues[0]?.path[0] ?? 'body')
  return {
    kind: 'invalid',
    field,
    message: `${field} must be ${field === 'gitRepoDir' ? 'a path' : '1 to 128 letters, digits or . _ : -'}`,
  }
}
