/** A moment, and how long something took. */
import { formatDuration } from '../core/duration.ts'

/** The exact time in UTC; the page's script says it as "3 min ago" and keeps that current. */
export function Time({ at }: { at: Date }) {
  const iso = at.toISOString()
  return (
    <time datetime={iso} title={iso}>
      {`${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`}
    </time>
  )
}

/** From one moment to another; while there is no end, the page's script counts on. */
export function Elapsed({ from, to, now }: { from: Date; to: Date | null; now: number }) {
  const text = formatDuration((to?.getTime() ?? now) - from.getTime())
  return to === null ? (
    <span class="number" data-since={from.toISOString()}>
      {text}
    </span>
  ) : (
    <span class="number">{text}</span>
  )
}
