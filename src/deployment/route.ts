/**
 * A service's row in the table of a host's proxy. Every backend has the same number of places (slots); two releases
 * use different halves of them, so that the new one is complete before the first request moves.
 */
export const MAX_BACKENDS = 120
export const SLOTS_PER_BACKEND = 16
/** A release may use half of the places. */
export const MAX_REPLICAS = SLOTS_PER_BACKEND / 2

/** `ready` gets requests; `drain` finishes those it has; `off` is empty or not yet healthy. */
export type SlotState = 'ready' | 'drain' | 'off'

export interface RouteSlot {
  readonly slot: number
  readonly releaseId: string
  readonly port: number
  readonly state: SlotState
}

export interface Route {
  readonly host: string
  readonly serviceId: string
  readonly backend: number
  /** Lower case. */
  readonly domains: readonly string[]
  readonly slots: readonly RouteSlot[]
}

/** The places of a release: those it has, else a free half. Null when both halves are taken by others that still drain. */
export function placesFor(route: Route, releaseId: string, replicas: number): readonly number[] | null {
  const own = route.slots.filter((slot) => slot.releaseId === releaseId).map((slot) => slot.slot)
  if (own.length >= replicas) return own.slice(0, replicas)
  const half = [0, MAX_REPLICAS].find((start) =>
    route.slots.every((slot) => slot.releaseId === releaseId || slot.slot < start || slot.slot >= start + MAX_REPLICAS),
  )
  return half === undefined ? null : Array.from({ length: replicas }, (_, index) => half + index)
}

/** The release's places exist but get nothing yet. */
export function withPlaces(route: Route, releaseId: string, slots: readonly number[], port: number): Route {
  const others = route.slots.filter((slot) => slot.releaseId !== releaseId)
  const known = new Map(route.slots.map((slot) => [slot.slot, slot]))
  const own = slots.map((slot): RouteSlot => known.get(slot) ?? { slot, releaseId, port, state: 'off' })
  return { ...route, slots: [...others, ...own] }
}

/** All requests go to this release from now on; the others finish what they have. */
export function switchedTo(route: Route, releaseId: string, domains: readonly string[]): Route {
  const slots = route.slots.map((slot): RouteSlot => ({
    ...slot,
    state: slot.releaseId === releaseId ? 'ready' : slot.state === 'off' ? 'off' : 'drain',
  }))
  return { ...route, domains, slots }
}

export function servesRelease(route: Route): string | null {
  return route.slots.find((slot) => slot.state === 'ready')?.releaseId ?? null
}
