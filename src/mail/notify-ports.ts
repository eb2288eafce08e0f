/** What the sender of messages to Slack and webhooks keeps them in; implemented in `store/outbox.ts`. */
export type MessageChannel = 'slack' | 'webhook'

export interface PendingMessage {
  readonly id: string
  readonly channel: MessageChannel
  readonly body: Readonly<Record<string, unknown>>
  readonly failures: number
}

export interface MessageStore {
  /** The oldest message of these channels whose time has come. */
  next(channels: readonly MessageChannel[]): Promise<PendingMessage | null>
  /** Milliseconds until the next one is due, null when none waits. */
  untilNext(channels: readonly MessageChannel[]): Promise<number | null>
  markSent(id: string): Promise<void>
  markFailed(id: string, cause: string, retryInMs: number): Promise<void>
  giveUp(id: string, cause: string): Promise<void>
}
