/** Use of a pool over the last days: one bar an hour, drawn by the server. */
import type { UsageHour } from '../pool/index.ts'

const WIDTH = 720
const HEIGHT = 90
const HOUR_MS = 3_600_000

export function UsagePicture({ usage, capacity }: { readonly usage: readonly UsageHour[]; readonly capacity: number }) {
  const barWidth = WIDTH / Math.max(1, usage.length)
  const full = Math.max(1, capacity) * HOUR_MS
  const held = usage.reduce((sum, hour) => sum + hour.heldMs, 0)
  const share = Math.round((100 * held) / (full * Math.max(1, usage.length)))
  return (
    <figure>
      <svg
        class="pool-usage"
        viewBox={`0 0 ${WIDTH} ${HEIGHT + 14}`}
        role="img"
        aria-label={`${share} % of the pool was in use`}
      >
        <line x1="0" y1="0.5" x2={WIDTH} y2="0.5" />
        <line x1="0" y1={HEIGHT} x2={WIDTH} y2={HEIGHT} />
        {usage.map((hour, index) => {
          const height = Math.min(1, hour.heldMs / full) * HEIGHT
          const x = index * barWidth
          return (
            <g>
              <title>{`${label(hour.at)}: ${Math.round((100 * hour.heldMs) / full)} % in use, ${hour.waited} had to wait`}</title>
              <rect x={x} y={HEIGHT - height} width={barWidth * 0.8} height={height} />
              {hour.waited > 0 && <rect class="pool-usage-waits" x={x} y={HEIGHT} width={barWidth * 0.8} height="3" />}
              {hour.at.getUTCHours() === 0 && (
                <text x={x} y={HEIGHT + 12}>
                  {hour.at.toISOString().slice(5, 10)}
                </text>
              )}
            </g>
          )
        })}
      </svg>
      <figcaption>
        {share} % of the pool was in use over the last {Math.round(usage.length / 24)} days; red marks hours in which
        somebody waited.
      </figcaption>
    </figure>
  )
}

function label(at: Date): string {
  return at.toISOString().slice(0, 16).replace('T', ' ')
}
