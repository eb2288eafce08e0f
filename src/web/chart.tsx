/** A drawing of numbers over time. The numbers travel in an attribute; the script draws them, a sentence says them. */

export interface ChartSeries {
  readonly label: string
  readonly tone: 'good' | 'bad' | 'busy' | 'idle' | 'accent'
  /** `points` for single measurements, `steps` for amounts that stay until they change. */
  readonly as: 'points' | 'steps'
  readonly values: readonly (number | null)[]
}

export interface ChartProps {
  /** Names the drawing for those who cannot see it. */
  readonly label: string
  /** Seconds since the epoch, rising. */
  readonly times: readonly number[]
  readonly series: readonly ChartSeries[]
  readonly unit: 'seconds' | 'count'
  /** Ends of the time axis, seconds since the epoch. */
  readonly from: number
  readonly to: number
}

export function Chart({ label, ...drawing }: ChartProps) {
  return <figure class="chart" role="img" aria-label={label} data-chart={JSON.stringify(drawing)}></figure>
}
