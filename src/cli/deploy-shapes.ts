/** The part of the services API's answers that the commands read. */
import { z } from 'zod'

export const StartedRun = z.object({ run_id: z.string(), url: z.string() })

export const ServiceShape = z.object({
  service: z.string(),
  environment: z.string(),
  url: z.string().nullable(),
  lock: z.object({ by: z.string(), reason: z.string(), until: z.string().nullable() }).nullable(),
  live: z.object({ number: z.number(), sha: z.string() }).nullable(),
  deployment: z
    .object({ run_id: z.string(), state: z.string(), failure: z.object({ cause: z.string() }).nullable() })
    .nullable(),
})

export const PreviewShape = z.object({
  from: z.object({ number: z.number(), sha: z.string() }).nullable(),
  to: z.object({ number: z.number(), sha: z.string() }),
  changed_env: z.array(z.string()),
  changed_secrets: z.array(z.string()),
})

/** Where a deployment ends. */
export const FINAL_STATES = ['live', 'rolled_back', 'failed', 'superseded', 'cancelled']
