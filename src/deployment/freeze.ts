import { Cron } from 'croner'
import type { FreezeWindow } from '../config/server-config.ts'

export interface ActiveFreeze {
  readonly reason: string
  readonly until: Date
}

/** A window that opens every minute and stays open for hours must not be followed for ever. */
const MAX_OVERLAPS = 10_000

/**
 * The freeze that holds at `now`: of all open windows the one that closes last. A window's clock is its own time
 * zone's, so a change to summer time moves it as people expect; its length is counted in real time.
 */
export function activeFreeze(windows: readonly FreezeWindow[], now: Date): ActiveFreeze | null {
  const open = windows.flatMap((window) => {
    const start = lastStart(window, now)
    return start === null ? [] : [{ reason: window.reason, until: new Date(start.getTime() + window.durationMs) }]
  })
  return open.reduce<ActiveFreeze | null>(
    (last, freeze) => (last === null || freeze.until > last.until ? freeze : last),
    null,
  )
}

/** The newest opening within the window's length before `now`, null when the window is closed. */
function lastStart({ cron, durationMs, tz }: FreezeWindow, now: Date): Date | null {
  const schedule = new Cron(cron, { timezone: tz })
  let start: Date | null = null
  // croner looks for runs after its argument; an opening at this very moment counts.
  let next = schedule.nextRun(new Date(now.getTime() - durationMs))
  for (let seen = 0; next !== null && next <= now && seen < MAX_OVERLAPS; seen += 1) {
    start = next
    next = schedule.nextRun(next)
  }
  return start
}
