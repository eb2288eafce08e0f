import { z } from 'zod'
import { repositorySchema } from './repository-schema.ts'
import { serverSchema } from './server-schema.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/** JSON Schema 2020-12 of what may be written in `.github/slipway.yml`, for editors and `/schema/slipway.json`. */
export function repositoryJsonSchema(): JsonSchema {
  return describe(
    repositorySchema,
    'Slipway repository configuration',
    'What Slipway does with a repository: .github/slipway.yml',
  )
}

/** The same for `server.yml`. */
export function serverJsonSchema(): JsonSchema {
  return describe(
    serverSchema,
    'Slipway server configuration',
    'What the admins of a Slipway server decide: server.yml',
  )
}

function describe(schema: z.ZodType, title: string, description: string): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12', unrepresentable: 'any' })
  return { $schema, title, description, ...rest }
}
