import { Cron } from 'croner'
import type { ScheduleConfig } from '../config/repository-config.ts'

export interface DueSchedule {
  readonly schedule: ScheduleConfig
  /** The newest time at which it was due, milliseconds since the epoch. */
  readonly at: number
}

/** A server that was down longer than this does not make up for what it missed. */
const CATCH_UP_MS = 24 * 3_600_000

/** Schedules that came due after `since` and until `now`, each once, however often it was missed. */
export function dueSchedules(schedules: readonly ScheduleConfig[], since: number, now: number): readonly DueSchedule[] {
  return schedules.flatMap((schedule) => {
    const cron = new Cron(schedule.cron, { timezone: schedule.tz, mode: '5-part' })
    let at: number | null = null
    let next = cron.nextRun(new Date(Math.max(since, now - CATCH_UP_MS)))
    while (next !== null && next.getTime() <= now) {
      at = next.getTime()
      next = cron.nextRun(next)
    }
    return at === null ? [] : [{ schedule, at }]
  })
}
