/**
 * Who gets which free instance. The line comes in its order; everyone gets what they asked for, whole, or is passed
 * over without keeping those behind them waiting.
 */
import type { Labels } from './pool.ts'

export interface Wanting {
  readonly id: string
  readonly count: number
  readonly labels: Labels
  /** A request by name. */
  readonly instanceId: string | null
}

export interface FreeInstance {
  readonly id: string
  readonly labels: Labels
}

export interface Grant {
  readonly reservationId: string
  readonly instanceId: string
}

/** `free` in the order in which the pool hands out. */
export function chooseGrants(line: readonly Wanting[], free: readonly FreeInstance[]): readonly Grant[] {
  const left = new Map(free.map((instance) => [instance.id, instance]))
  const grants: Grant[] = []
  for (const wanting of line) {
    const chosen = [...left.values()].filter((instance) => fits(wanting, instance)).slice(0, wanting.count)
    if (chosen.length < wanting.count) continue
    for (const { id } of chosen) {
      left.delete(id)
      grants.push({ reservationId: wanting.id, instanceId: id })
    }
  }
  return grants
}

export function fits(wanting: Pick<Wanting, 'labels' | 'instanceId'>, instance: FreeInstance): boolean {
  if (wanting.instanceId !== null && wanting.instanceId !== instance.id) return false
  return Object.entries(wanting.labels).every(([key, value]) => instance.labels[key] === value)
}
