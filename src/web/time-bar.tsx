/** Stretches of time on one axis. A picture, because styles may not stand in the page. */
import type { Tone } from './state-badge.tsx'

export interface TimePart {
  /** Parts of the whole, 0 to 1. */
  readonly from: number
  readonly length: number
  readonly tone: Tone
}

const WIDTH = 1000
const HEIGHT = 8
/** What took no time at all must still be seen. */
const THINNEST = 6

export function TimeBar({ parts }: { parts: readonly TimePart[] }) {
  return (
    <svg class="time-bar" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" width={WIDTH} height={HEIGHT} />
      {parts.map(({ from, length, tone }) => {
        const width = Math.max(THINNEST, Math.round(length * WIDTH))
        return (
          <rect
            class={tone}
            x={Math.min(WIDTH - width, Math.max(0, Math.round(from * WIDTH)))}
            width={width}
            height={HEIGHT}
          />
        )
      })}
    </svg>
  )
}
