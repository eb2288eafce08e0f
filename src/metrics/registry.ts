/** What Prometheus reads. One registry per process; counts of the database are read when it asks. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Seconds; a webhook takes milliseconds, an image build may take an hour. */
const WORK_BUCKETS = [0.05, 0.25, 1, 5, 15, 60, 300, 900, 3_600]

export interface Metrics {
  readonly registry: Registry
  count(name: MetricName, labels?: Readonly<Record<string, string>>, by?: number): void
  observe(name: HistogramName, seconds: number, labels?: Readonly<Record<string, string>>): void
  /** Registers a gauge whose values are asked for at each scrape. */
  gauge(name: string, help: string, labelNames: readonly string[], read: () => Promise<readonly GaugeValue[]>): void
}

export interface GaugeValue {
  readonly value: number
  readonly labels: Readonly<Record<string, string>>
}

const COUNTERS = {
  slipway_webhooks_total: {
    help: 'Webhooks stored, by event; repeated deliveries are counted as such',
    labels: ['event', 'repeated'],
  },
  slipway_runs_total: {
    help: 'Runs that ended, by kind, conclusion and reason',
    labels: ['kind', 'conclusion', 'reason'],
  },
  slipway_pool_reservations_total: { help: 'Reservations, by pool and outcome', labels: ['pool', 'outcome'] },
  slipway_pool_failures_total: { help: 'Failed cleanings and health checks, by pool', labels: ['pool', 'what'] },
  slipway_package_builds_total: {
    help: 'Package builds that ended, by outcome and reason',
    labels: ['outcome', 'reason'],
  },
  slipway_package_bytes_served_total: { help: 'Bytes of artifacts sent to clients', labels: [] },
  slipway_deployments_total: { help: 'Deployments that ended, by outcome', labels: ['outcome'] },
  slipway_github_writes_total: { help: 'Writes to GitHub, by outcome', labels: ['outcome'] },
} as const

const HISTOGRAMS = {
  slipway_run_seconds: { help: 'From the start of a run to its end', labels: ['kind'] },
  slipway_run_wait_seconds: { help: 'From the creation of a run to its start', labels: ['kind'] },
  slipway_pool_wait_seconds: { help: 'From a request for an instance to its grant', labels: ['pool'] },
  slipway_pool_hold_seconds: { help: 'From the grant of an instance to its release', labels: ['pool'] },
  slipway_package_wait_seconds: { help: 'From the request of a package build to its start', labels: [] },
  slipway_package_build_seconds: { help: 'From the start of a package build to its end', labels: [] },
} as const

export type MetricName = keyof typeof COUNTERS
export type HistogramName = keyof typeof HISTOGRAMS

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const counters = new Map<string, Counter>()
  for (const [name, { help, labels }] of Object.entries(COUNTERS)) {
    counters.set(name, new Counter({ name, help, labelNames: [...labels], registers: [registry] }))
  }
  const histograms = new Map<string, Histogram>()
  for (const [name, { help, labels }] of Object.entries(HISTOGRAMS)) {
    histograms.set(
      name,
      new Histogram({ name, help, labelNames: [...labels], buckets: WORK_BUCKETS, registers: [registry] }),
    )
  }
  return {
    registry,
    count: (name, labels = {}, by = 1) => counters.get(name)?.inc({ ...labels }, by),
    observe: (name, seconds, labels = {}) => histograms.get(name)?.observe({ ...labels }, seconds),
    gauge(name, help, labelNames, read) {
      const gauge = new Gauge({
        name,
        help,
        labelNames: [...labelNames],
        registers: [registry],
        async collect() {
          const values = await read()
          gauge.reset()
          for (const { value, labels } of values) gauge.set({ ...labels }, value)
        },
      })
    },
  }
}
