/** The same table as commands for the running proxy. Each may be repeated; together they never leave a gap. */
import { SLOTS_PER_BACKEND, type Route } from '../deployment/index.ts'
import { backendName, hostEntries, HOSTS_FILE, slotName } from './proxy-config.ts'
import { slotAddress, type Subnet } from './slot-addresses.ts'

/** HAProxy reads a command line into one buffer of 16 KiB; half of it leaves room for its answer. */
export const MAX_COMMAND_BYTES = 8_000

/**
 * Places are addressed first, then those that get requests are opened, and only then are others drained or closed:
 * between any two commands somebody answers.
 */
export function slotCommands(route: Route, subnet: Subnet): readonly string[] {
  const name = (slot: number): string => `${backendName(route.backend)}/${slotName(slot)}`
  const used = new Map(route.slots.map((slot) => [slot.slot, slot]))
  const all = Array.from({ length: SLOTS_PER_BACKEND }, (_, slot) => ({ slot, state: used.get(slot)?.state ?? 'off' }))
  const inState = (state: string): readonly number[] =>
    all.filter((slot) => slot.state === state).map((slot) => slot.slot)
  return [
    ...route.slots.map(
      ({ slot, port }) => `set server ${name(slot)} addr ${slotAddress(subnet, route.backend, slot)} port ${port}`,
    ),
    ...inState('ready').map((slot) => `set server ${name(slot)} state ready`),
    ...inState('drain').map((slot) => `set server ${name(slot)} state drain`),
    ...inState('off').map((slot) => `set server ${name(slot)} state maint`),
  ]
}

/** A new version of the map is filled beside the old one and takes its place at once. */
export function hostCommands(routes: readonly Route[], version: string): readonly string[] {
  return [
    ...hostEntries(routes).map(([host, backend]) => `add map @${version} ${HOSTS_FILE} ${host} ${backend}`),
    `commit map @${version} ${HOSTS_FILE}`,
  ]
}

export const PREPARE_HOSTS = `prepare map ${HOSTS_FILE}`

/** "New version created: 3" */
export function preparedVersion(answer: string): string | null {
  return /New version created: (\d+)/.exec(answer)?.[1] ?? null
}

/** One command line each, as long as HAProxy takes them. */
export function commandLines(commands: readonly string[]): readonly string[] {
  const lines: string[] = []
  for (const command of commands) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + command.length + 1 <= MAX_COMMAND_BYTES)
      lines[lines.length - 1] = `${last};${command}`
    else lines.push(command)
  }
  return lines
}

/** Requests and upgraded connections per place, out of `show stat`'s table. */
export function sessionsPerSlot(table: string): ReadonlyMap<number, number> {
  const [header = '', ...rows] = table.trim().split('\n')
  const columns = header.replace(/^# /, '').split(',')
  const [nameAt, currentAt, queuedAt] = [columns.indexOf('svname'), columns.indexOf('scur'), columns.indexOf('qcur')]
  return new Map(
    rows.map((row) => {
      const cells = row.split(',')
      return [
        Number(/^s(\d+)$/.exec(cells[nameAt] ?? '')?.[1] ?? -1),
        Number(cells[currentAt] ?? 0) + Number(cells[queuedAt] ?? 0),
      ]
    }),
  )
}

/** What HAProxy answers when all went well: nothing, or that nothing had to change. */
const FINE = /^(no need to change|IP changed|port changed|nothing changed|New version created|.*changed from .* to )/

export function complaintsIn(answer: string): readonly string[] {
  return answer
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !FINE.test(line))
}
