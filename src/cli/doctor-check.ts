/** One question that `slipway doctor` asks, and what it may find. */

export type Finding =
  | { readonly kind: 'ok'; readonly detail: string }
  /** It works, but something will hurt. */
  | { readonly kind: 'warning'; readonly detail: string; readonly fix: string }
  | { readonly kind: 'failed'; readonly detail: string; readonly fix: string }
  /** There is nothing to look at, or what it rests on failed. */
  | { readonly kind: 'skipped'; readonly detail: string }

export interface DoctorCheck {
  readonly name: string
  /** A failure that is thrown counts as failed, with `fix`. */
  readonly fix: string
  readonly look: () => Promise<Finding>
}

export const ok = (detail: string): Finding => ({ kind: 'ok', detail })
export const warning = (detail: string, fix: string): Finding => ({ kind: 'warning', detail, fix })
export const failed = (detail: string, fix: string): Finding => ({ kind: 'failed', detail, fix })
export const skipped = (detail: string): Finding => ({ kind: 'skipped', detail })
