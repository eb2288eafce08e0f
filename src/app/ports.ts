/** Where deliveries are kept; implemented in `store/deliveries.ts`. */

export interface NewDelivery {
  /** `X-GitHub-Delivery`. */
  readonly id: string
  readonly event: string
  readonly action: string | null
  readonly installationId: number | null
  readonly repositoryId: number | null
  /** The JSON text that was signed (or carried in the form field `payload`). */
  readonly payload: string
  /** False: stored as ignored, never dispatched. */
  readonly isHandled: boolean
}

export interface StoredDelivery {
  readonly id: string
  readonly event: string
  readonly action: string | null
  readonly payload: string
  readonly state: 'received' | 'handled' | 'ignored' | 'failed'
  readonly note: string | null
  readonly installationId: number | null
  readonly repositoryId: number | null
  readonly receivedAt: Date
  readonly handledAt: Date | null
}

export interface DeliveryStore {
  /** Resolves after the commit; false: it was there already and nothing happened. */
  store(delivery: NewDelivery): Promise<boolean>
  get(id: string): Promise<StoredDelivery | null>
  /** Newest first, without payloads. */
  list(page: { readonly before?: Date; readonly limit: number }): Promise<readonly StoredDelivery[]>
  settle(id: string, state: 'handled' | 'ignored' | 'failed', note: string | null): Promise<void>
  /** Gives deliveries their job back that wait for longer than that and have lost it; how many. */
  requeueLost(waitingMinutes: number): Promise<number>
  known(ids: readonly string[]): Promise<ReadonlySet<string>>
  forget(olderThanDays: number): Promise<number>
}
