/** One figure: what we measured beside the floor taken in the same run. */
export interface BenchRow {
  readonly name: string
  readonly value: number
  /** Null where the goal is a plain figure. */
  readonly floor: number | null
  /** Value to floor, or the value itself without one. */
  readonly ratio: number
  readonly goal: string
  readonly pass: boolean
  readonly unit: string
}

/** A group of figures that share their set-up. */
export interface BenchGroup {
  readonly name: string
  readonly run: () => Promise<readonly BenchRow[]>
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}
