/*
 * Files that are made from the code. `npm run generate` writes them; `--check` writes nothing and fails when one is
 * stale. A new generator is one line in the list: a path from the repository's root and a function that gives the text.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { repositoryJsonSchema, serverJsonSchema } from '../../src/config/json-schema.ts'
import { architecturePicture } from './architecture.ts'
import { envExample } from './env-example.ts'
import { completePackageLock } from './package-lock.ts'

interface Generator {
  readonly path: string
  /** `current` is the file as it is, '' when there is none. */
  readonly generate: (current: string) => string | Promise<string>
}

const GENERATORS: readonly Generator[] = [
  { path: '.env.example', generate: envExample },
  { path: 'schema/slipway.json', generate: () => json(repositoryJsonSchema()) },
  { path: 'schema/server.json', generate: () => json(serverJsonSchema()) },
  { path: 'README.md', generate: architecturePicture },
  { path: 'package-lock.json', generate: completePackageLock },
]

const ROOT = join(import.meta.dirname, '..', '..')

async function main(check: boolean): Promise<void> {
  const stale: string[] = []
  for (const { path, generate } of GENERATORS) {
    const file = join(ROOT, path)
    const current = read(file)
    const text = await generate(current ?? '')
    if (text === (current ?? '')) continue
    stale.push(path)
    if (check) continue
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  report(stale, check)
}

function report(stale: readonly string[], check: boolean): void {
  if (stale.length === 0) {
    console.log('generated files are current')
  } else if (check) {
    console.error(`stale: ${stale.join(', ')}; run npm run generate`)
    process.exitCode = 1
  } else {
    console.log(`written: ${stale.join(', ')}`)
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

await main(process.argv.includes('--check'))
