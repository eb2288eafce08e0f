/** The published description with its checker and completer, ready for use. Made once for each simulation. */
import type { Json, JsonObject } from '../json.ts'
import { completeAnswer } from './complete-answer.ts'
import { readDescription } from './description.ts'
import type { OperationMatcher } from './match-operation.ts'
import { createOperationMatcher } from './match-operation.ts'
import type { SchemaChecker } from './schema-checker.ts'
import { createSchemaChecker } from './schema-checker.ts'
import type { SentWebhook } from './served-operations.ts'

export interface Schemas extends SchemaChecker {
  readonly match: OperationMatcher
  readonly complete: (schema: JsonObject, value: Json) => Json
  /** The schema of a webhook, by event and action; `undefined` for one that is not in the reduced description. */
  readonly webhook: (event: string, action: string | null) => JsonObject | undefined
}

export function loadSchemas(): Schemas {
  const description = readDescription()
  const webhooks = new Map<string, JsonObject>(
    Object.entries<JsonObject>(description.webhooks satisfies Record<SentWebhook, JsonObject>),
  )
  return {
    ...createSchemaChecker(description),
    match: createOperationMatcher(description),
    complete: (schema, value) => completeAnswer(description, schema, value),
    webhook: (event, action) =>
      webhooks.get(
        [event, action]
          .filter((part) => part !== null)
          .join('-')
          .replaceAll('_', '-'),
      ),
  }
}
