/**
 * Builds `dist/` from the sources with esbuild: our own code bundled, packages left where they are. Everything lands
 * flat in `dist/`, so that a worker or an asset is found from whichever chunk its user ended up in: sources write
 * `new URL('./some-file', import.meta.url)`, and this build turns that into the place of the file seen from `dist/`.
 *
 * A build is known by a hash of what went into it; `ensureBuilt` does nothing when that has not changed. Two builds at
 * once write the same bytes, each file by a rename, the hash last.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { filesBelow } from './files-below.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const source = join(root, 'src')
const output = join(root, 'dist')
const hashFile = join(output, '.source-hash')

/** Output name to source; an entry whose source does not exist is left out. */
const ENTRIES = { main: 'main.ts', index: 'index.ts', cli: 'cli/main.ts', simulate: 'simulate/main.ts' }

/** Builds when the sources have changed since the last build. In an installation without sources, trusts `dist/`. */
export async function ensureBuilt({ announce = () => undefined } = {}) {
  if (!existsSync(source)) return
  const hash = hashSources()
  if (readIfThere(hashFile) === hash) return
  announce('building dist/')
  await build(hash)
}

function hashSources() {
  const hash = createHash('sha256')
  const files = [...filesBelow(source), ...filesBelow(join(root, 'migrations')), fileURLToPath(import.meta.url)]
  for (const file of [...files, join(root, 'package-lock.json')]) {
    if (existsSync(file)) hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0')
  }
  return hash.digest('hex')
}

async function build(hash) {
  const { build: bundle } = await import('esbuild')
  const { outputFiles } = await bundle({
    absWorkingDir: root,
    entryPoints: entryPoints(),
    outdir: output,
    bundle: true,
    packages: 'external',
    format: 'esm',
    splitting: true,
    platform: 'node',
    target: 'node20.18',
    sourcemap: 'linked',
    sourcesContent: false,
    jsx: 'automatic',
    jsxImportSource: 'hono/jsx',
    legalComments: 'none',
    logLevel: 'warning',
    define: { SLIPWAY_BUILD_COMMIT: JSON.stringify(shortCommit()) },
    write: false,
    plugins: [findFilesFromOutput],
  })
  const files = [
    ...outputFiles.map(({ path, contents }) => ({ path, contents })),
    ...assets().map((file) => ({ path: join(output, relative(source, file)), contents: readFileSync(file) })),
  ]
  for (const { path, contents } of files) writeWhole(path, contents)
  removeOthers(new Set(files.map(({ path }) => path)))
  writeWhole(hashFile, hash)
}

/** Of the checkout that is built; an unpacked archive has none. */
function shortCommit() {
  if (!existsSync(join(root, '.git'))) return 'unknown'
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    // No git on this machine, or a repository that it does not trust: a version without its commit is still a version.
    return 'unknown'
  }
}

/** The programs, and every worker: a file named `*-worker.ts` is started by its address and so needs one. */
function entryPoints() {
  const programs = Object.entries(ENTRIES).map(([out, file]) => ({ in: join(source, file), out }))
  const workers = filesBelow(source)
    .filter((file) => file.endsWith('-worker.ts'))
    .map((file) => ({ in: file, out: basename(file, '.ts') }))
  return [...programs, ...workers].filter((entry) => existsSync(entry.in))
}

/** What is read at run time and not imported: everything that is neither code nor a bundled JSON import. */
function assets() {
  return filesBelow(source).filter((file) => !/\.(ts|tsx|mjs)$/.test(file))
}

const findFilesFromOutput = {
  name: 'find-files-from-output',
  setup(build) {
    build.onLoad({ filter: /\.tsx?$/ }, ({ path }) => {
      if (!path.startsWith(source)) return undefined
      const text = readFileSync(path, 'utf8')
      if (/import\.meta\.(dirname|filename)/.test(text)) {
        return { errors: [{ text: `${path}: write new URL('./file', import.meta.url), the build can follow that` }] }
      }
      const contents = text.replaceAll(
        /new URL\(\s*(['"])(\.[^'"]*)\1,\s*import\.meta\.url,?\s*\)/g,
        (_, quote, target) => `new URL(${quote}${fromOutput(resolve(dirname(path), target))}${quote}, import.meta.url)`,
      )
      return { contents, loader: path.endsWith('x') ? 'tsx' : 'ts' }
    })
  },
}

function fromOutput(target) {
  const inside = relative(source, target)
  if (inside.startsWith('..')) return relative(output, target)
  const program = Object.entries(ENTRIES).find(([, file]) => file === inside)
  if (program !== undefined) return `./${program[0]}.js`
  return inside.endsWith('.ts') ? `./${basename(inside, '.ts')}.js` : `./${inside}`
}

function writeWhole(path, contents) {
  mkdirSync(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}.tmp`
  writeFileSync(draft, contents)
  renameSync(draft, path)
}

/** Old chunks; drafts belong to a build that runs beside this one. */
function removeOthers(kept) {
  for (const file of readdirSync(output, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath ?? file.path, file.name)
    if (file.isFile() && !kept.has(path) && path !== hashFile && !path.endsWith('.tmp')) rmSync(path, { force: true })
  }
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await ensureBuilt({ announce: (text) => console.log(text) })
}
