/**
 * The figures of SPEC 14, each as a ratio to a floor taken in the same run: `npm run bench -- [group ...]`. Groups run one
 * after the other. The exit code tells only whether the bench itself worked; a missed goal is a row that says so.
 */
import { ensureBuilt } from '../scripts/build.mjs'
import type { BenchGroup, BenchRow } from './support/bench-row.ts'

const GROUPS: Readonly<Record<string, () => Promise<BenchGroup>>> = {
  webhooks: async () => (await import('./webhooks.bench.ts')).webhooks,
  deployability: async () => (await import('./deployability.bench.ts')).deployability,
  pipeline: async () => (await import('./pipeline.bench.ts')).pipeline,
  deploy: async () => (await import('./deploy.bench.ts')).deploy,
  pool: async () => (await import('./pool-group.ts')).pool,
  process: async () => (await import('./process.bench.ts')).processGroup,
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !Object.hasOwn(GROUPS, name))
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(', ')}; there are ${Object.keys(GROUPS).join(', ')}`)
  process.exitCode = 2
} else {
  await ensureBuilt({ announce: console.error })
  for (const [name, load] of Object.entries(GROUPS)) {
    if (asked.length > 0 && !asked.includes(name)) continue
    const group = await load()
    console.log(`\n${group.name}`)
    for (const row of await group.run()) console.log(`  ${describe(row)}`)
  }
}

function describe({ name, value, floor, ratio, goal, pass, unit }: BenchRow): string {
  const mark = pass ? 'ok    ' : 'missed'
  const beside = floor === null ? '' : `, floor ${figure(floor)} ${unit}, ratio ${ratio.toFixed(2)}`
  return `${mark}  ${name}: ${figure(value)} ${unit}${beside} (goal: ${goal})`
}

function figure(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 })
}
