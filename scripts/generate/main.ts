/**
 * Every file beside this one that exports a generator is asked for its text. A generator owns a whole file, or the lines
 * between its two marker comments in one that people write.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Generator } from './generator.ts'

const check = process.argv.includes('--check')
const root = new URL('../../', import.meta.url)
const stale: string[] = []

for (const name of readdirSync(new URL('.', import.meta.url)).toSorted()) {
  if (name === 'main.ts' || name === 'generator.ts') continue
  const module: { generator: Generator } = await import(new URL(name, import.meta.url).href)
  const { file, render } = module.generator
  const place = new URL(file, root)
  const current = existsSync(place) ? readFileSync(place, 'utf8') : ''
  const wanted = await render(current)
  if (wanted === current) continue
  stale.push(file)
  if (!check) writeFileSync(place, wanted)
}

if (stale.length > 0) console.log(`${check ? 'stale, run "npm run generate"' : 'written'}: ${stale.join(', ')}`)
process.exitCode = check && stale.length > 0 ? 1 : 0
