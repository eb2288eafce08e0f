/**
 * Stylesheets, scripts and pictures. An address holds the hash of its bytes, so a browser keeps it for ever and a new
 * release is seen at once. Only files of this list are served; nothing is looked up by a name from outside.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { Hono } from 'hono'
import { z } from 'zod'

const packages = createRequire(import.meta.url)
const versionOf = (name: string): string =>
  z.object({ version: z.string() }).parse(packages(`${name}/package.json`)).version

/** Our own files, known by a hash of their bytes. Written as addresses so that the build can follow them. */
const OWN = {
  'slipway.css': new URL('./assets/slipway.css', import.meta.url),
  'run.css': new URL('./assets/run.css', import.meta.url),
  'pools.css': new URL('./assets/pools.css', import.meta.url),
  'icon.svg': new URL('./assets/icon.svg', import.meta.url),
  'page.js': new URL('./assets/page.js', import.meta.url),
  'run.js': new URL('./assets/run.js', import.meta.url),
  'pools.js': new URL('./assets/pools.js', import.meta.url),
  'charts.js': new URL('./assets/charts.js', import.meta.url),
  'docs.css': new URL('./assets/docs.css', import.meta.url),
  'docs.js': new URL('./assets/docs.js', import.meta.url),
} as const

/** Files of packages, known by the package's version: they are large and most processes never serve them. */
const OF_PACKAGES = {
  'uplot.js': { package: 'uplot', file: 'dist/uPlot.iife.min.js' },
  'uplot.css': { package: 'uplot', file: 'dist/uPlot.min.css' },
  'swagger-ui.js': { package: 'swagger-ui-dist', file: 'swagger-ui-bundle.js' },
  'swagger-ui.css': { package: 'swagger-ui-dist', file: 'swagger-ui.css' },
} as const

export type AssetName = keyof typeof OWN | keyof typeof OF_PACKAGES

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}
/** Twelve characters of a sha256 tell releases apart; nobody profits from a collision of our own files. */
const HASH_LENGTH = 12
const FOR_EVER = 'public, max-age=31536000, immutable'

interface Asset {
  readonly name: AssetName
  readonly path: string | URL
}

/** By address, made once when the program is loaded and never changed. */
const ASSETS: ReadonlyMap<string, Asset> = new Map([
  ...keysOf(OWN).map((name): [string, Asset] => [`${hashOf(OWN[name])}.${name}`, { name, path: OWN[name] }]),
  ...keysOf(OF_PACKAGES).map((name): [string, Asset] => {
    const source = OF_PACKAGES[name]
    return [
      `${versionOf(source.package)}.${name}`,
      { name, path: packages.resolve(`${source.package}/${source.file}`) },
    ]
  }),
])
const ADDRESSES: ReadonlyMap<AssetName, string> = new Map(
  [...ASSETS].map(([file, { name }]) => [name, `/assets/${file}`]),
)

/** Where a page finds the file. */
export function assetAddress(name: AssetName): string {
  return ADDRESSES.get(name) ?? ''
}

export function createAssetRoutes(): Hono {
  const routes = new Hono()
  routes.get('/assets/:file', async (context) => {
    const asset = ASSETS.get(context.req.param('file'))
    if (asset === undefined) return context.notFound()
    const bytes = await readFile(asset.path)
    const isPacked = /\bgzip\b/.test(context.req.header('accept-encoding') ?? '')
    return context.body(isPacked ? new Uint8Array(await promisify(gzip)(bytes)) : new Uint8Array(bytes), 200, {
      'content-type': TYPES[asset.name.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
      'cache-control': FOR_EVER,
      'x-content-type-options': 'nosniff',
      vary: 'accept-encoding',
      ...(isPacked ? { 'content-encoding': 'gzip' } : {}),
    })
  })
  return routes
}

function hashOf(file: URL): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, HASH_LENGTH)
}

function keysOf<Table extends object>(table: Table): readonly Extract<keyof Table, string>[] {
  return Object.keys(table) as Extract<keyof Table, string>[]
}
