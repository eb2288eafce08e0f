/**
 * Proof that the holder may write the state of a piece of work. Only the queue makes one, by claiming a job; every
 * claim raises the generation, so what an older holder still writes is refused (invariant I11).
 */
declare const leaseBrand: unique symbol

export interface Lease {
  readonly jobId: string
  readonly generation: number
  readonly [leaseBrand]: true
}
