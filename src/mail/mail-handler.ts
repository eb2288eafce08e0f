import { z } from 'zod'
import type { Logger } from '../core/logger.ts'
import type { MessageStore, PendingMessage } from './ports.ts'
import type { Mail, Mailer } from './smtp.ts'

export const MAIL_JOB = 'mail'

/** A mail server is away for minutes or hours; the delay doubles up to the longest. */
const FIRST_DELAY_MS = 30_000
const LONGEST_DELAY_MS = 3_600_000
/** About a day of trying. */
const MOST_TRIES = 30

const mailSchema: z.ZodType<Mail> = z.object({
  to: z.string(),
  subject: z.string(),
  text: z.string(),
  html: z.string(),
  messageId: z.string(),
})

/**
 * Sends what waits in the outbox. A message is marked after the server took it; a crash in between sends it again under
 * the same message id, which is the most that mail can promise.
 */
export function mailHandler(deps: {
  readonly store: MessageStore
  readonly mailer: Mailer
  readonly logger: Logger
  readonly firstDelayMs?: number
}) {
  const settle = async (message: PendingMessage): Promise<void> => {
    const mail = mailSchema.safeParse(message.body)
    const result = mail.success
      ? await deps.mailer.send(mail.data)
      : { kind: 'refused' as const, cause: 'it is no mail' }
    if (result.kind === 'sent') return await deps.store.markSent(message.id)
    deps.logger.warn({ message: message.id, cause: result.cause }, 'a mail could not be sent')
    if (result.kind === 'refused' || message.failures + 1 >= MOST_TRIES)
      return await deps.store.giveUp(message.id, result.cause)
    const delay = Math.min((deps.firstDelayMs ?? FIRST_DELAY_MS) * 2 ** message.failures, LONGEST_DELAY_MS)
    await deps.store.markFailed(message.id, result.cause, delay)
  }
  return {
    async handle(_job: unknown, signal: AbortSignal) {
      for (
        let next = await deps.store.next(['mail']);
        next !== null && !signal.aborted;
        next = await deps.store.next(['mail'])
      )
        await settle(next)
      const delayMs = await deps.store.untilNext(['mail'])
      return delayMs === null
        ? { kind: 'done' as const }
        : { kind: 'wait' as const, delayMs, cause: 'mail that could not be sent yet' }
    },
  }
}
