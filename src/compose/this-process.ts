/** Who this process is among those that share the database, and whether another one still lives. */
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { randomUUID } from 'node:crypto'

export interface ThisProcess {
  readonly id: string
  /** Processes with the same text see each other's pids: same boot of the same machine, same pid namespace. */
  readonly machine: string
  readonly pid: number
}

export function thisProcess(): ThisProcess {
  const boot = orEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
  const namespace = orEmpty(() => readlinkSync('/proc/self/ns/pid'))
  return { id: randomUUID(), machine: [hostname(), boot, namespace].join(' '), pid: process.pid }
}

export function isPidAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Not permitted means that it is there and somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Systems without /proc tell processes apart by their host name alone. */
function orEmpty(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
