#!/usr/bin/env node
/** The `slipway` command; in a checkout it builds first what has changed. */
import { existsSync } from 'node:fs'

const build = new URL('../scripts/build.mjs', import.meta.url)
if (existsSync(build)) {
  const { ensureBuilt } = await import(build.href)
  await ensureBuilt({ announce: (text) => console.error(text) })
}
await import('../dist/cli.js')
