/**
 * Every place of every backend has a fixed address on the proxy's network: the configuration never depends on what
 * Docker happened to hand out, and a restart of Docker or of the proxy finds every service where it was. Docker gives
 * addresses of the lower half to whoever asks for none (hooks, for one); the upper half is ours.
 */
import { SlipwayError } from '../core/errors.ts'
import { MAX_BACKENDS, SLOTS_PER_BACKEND } from '../deployment/index.ts'

export interface Subnet {
  /** The first address as a number. */
  readonly base: number
  readonly size: number
}

const ADDRESS = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/

/** `172.20.0.0/16`; it has to hold all places in its upper half. */
export function parseSubnet(text: string): Subnet {
  const [, a, b, c, d, prefix] = (ADDRESS.exec(text) ?? []).map(Number)
  if (a === undefined || b === undefined || c === undefined || d === undefined || prefix === undefined)
    throw unusable(text)
  const size = 2 ** (32 - prefix)
  if (size / 2 <= MAX_BACKENDS * SLOTS_PER_BACKEND) throw unusable(text)
  return { base: ((a * 256 + b) * 256 + c) * 256 + d, size }
}

export function slotAddress(subnet: Subnet, backend: number, slot: number): string {
  return formatAddress(subnet.base + subnet.size / 2 + backend * SLOTS_PER_BACKEND + slot)
}

/** The proxy's own: the last of those that no backend uses. */
export function proxyAddress(subnet: Subnet): string {
  return formatAddress(subnet.base + subnet.size - 2)
}

function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')
}

function unusable(text: string): SlipwayError {
  return new SlipwayError(
    'host_refused',
    `the network ${text} is too small for the proxy; Docker has to give networks of /20 or larger`,
  )
}
