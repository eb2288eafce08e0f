/** Packages of Debian and its children: installed where we are root, or taken apart without installing them. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, which } from './run.mjs'
import { SetUpError } from './set-up-error.mjs'

const QUIET = { DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l', LC_ALL: 'C.UTF-8' }
/** Another apt (unattended upgrades, another set-up) may hold the lock for minutes. */
const WAIT = ['-o', 'DPkg::Lock::Timeout=600', '-o', 'Acquire::Retries=3']

const POLICY = '/usr/sbin/policy-rc.d'
const OUR_POLICY = '#!/bin/sh\n# Slipway installs packages without starting their services.\nexit 101\n'

let listsAreFresh = false

export function isRootOnDebian() {
  return process.getuid?.() === 0 && which('apt-get') !== undefined
}

/** Installs packages; `why` is said before. Their services are not started. */
export async function install({ announce, why, packages }) {
  if (!isRootOnDebian()) throw new SetUpError(`${why}: install ${packages.join(', ')} (here only root could)`)
  announce(`${why}: installing ${packages.join(', ')}`)
  await refreshLists()
  const ours = !existsSync(POLICY) || readFileSync(POLICY, 'utf8') === OUR_POLICY
  if (ours) writeFileSync(POLICY, OUR_POLICY, { mode: 0o755 })
  try {
    await apt(['install', '--yes', '--no-install-recommends', ...packages])
  } finally {
    if (ours) rmSync(POLICY, { force: true })
  }
}

/** Downloads packages and unpacks them into `directory`; nothing of the machine changes. */
export async function unpack({ packages, directory }) {
  if (which('apt-get') === undefined) throw new SetUpError(`no apt-get here to fetch ${packages.join(', ')} with`)
  await refreshLists()
  const downloads = mkdtempSync(join(tmpdir(), 'slipway-packages-'))
  try {
    const names = packages.join(' ')
    await run('apt-get', [...WAIT, '-o', 'APT::Sandbox::User=root', 'download', ...packages], {
      cwd: downloads,
      env: QUIET,
    }).catch((error) => {
      throw new SetUpError(`the packages ${names} cannot be fetched: ${error.message}`)
    })
    for (const file of readdirSync(downloads)) await run('dpkg-deb', ['-x', join(downloads, file), directory])
  } finally {
    rmSync(downloads, { recursive: true })
  }
}

/** The package and everything it needs that is a library. */
export async function withLibraries(name) {
  await refreshLists()
  const args = ['depends', '--recurse', '--no-suggests', '--no-recommends', '--no-conflicts', '--no-breaks']
  const listing = await run('apt-cache', [...args, '--no-replaces', '--no-enhances', name], { env: QUIET })
  const libraries = listing.split('\n').filter((line) => /^lib[a-z0-9.+-]+$/.test(line) && !/perl/.test(line))
  return [name, ...new Set(libraries)]
}

async function refreshLists() {
  if (listsAreFresh || process.getuid?.() !== 0) return
  // An old list names files that the mirror has replaced meanwhile.
  await apt(['update'])
  listsAreFresh = true
}

async function apt(args) {
  await run('apt-get', [...WAIT, '-qq', ...args], { env: QUIET }).catch((error) => {
    throw new SetUpError(error.message.replaceAll('\n', ' '))
  })
}
