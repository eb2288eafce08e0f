/** Root file systems put together from single programs and the libraries they need. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { unpack } from '../debian.mjs'
import { run } from '../run.mjs'

export const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

const ACCOUNTS = ['root:x:0:0:root:/root:/bin/sh', 'nobody:x:65534:65534:nobody:/:/bin/false']
const GROUPS = ['root:x:0:', 'nogroup:x:65534:']

/** Folders, accounts and a static busybox with a link for each of its commands. */
export async function layBusybox(directory, { accounts = [], groups = [] } = {}) {
  for (const folder of ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'tmp', 'usr/bin', 'usr/sbin', 'var/tmp']) {
    mkdirSync(join(directory, folder), { recursive: true })
  }
  for (const folder of ['tmp', 'var/tmp']) chmodSync(join(directory, folder), 0o1777)
  chmodSync(join(directory, 'root'), 0o700)
  chmodSync(directory, 0o755)
  writeFileSync(join(directory, 'etc/passwd'), [...ACCOUNTS, ...accounts, ''].join('\n'))
  writeFileSync(join(directory, 'etc/group'), [...GROUPS, ...groups, ''].join('\n'))

  const busybox = join(directory, 'bin/busybox')
  await takeBusybox(busybox)
  const commands = (await run(busybox, ['--list-full'])).split('\n').filter((path) => path !== '')
  for (const command of commands) {
    const link = join(directory, command)
    if (existsSync(link)) continue
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync('/bin/busybox', link)
  }
}

/** Always the static one: a dynamic busybox of the machine would miss its libraries in the image. */
async function takeBusybox(target) {
  const packages = mkdtempSync(join(tmpdir(), 'slipway-busybox-'))
  try {
    await unpack({ packages: ['busybox-static'], directory: packages })
    const found = ['bin/busybox', 'usr/bin/busybox'].map((path) => join(packages, path)).find(existsSync)
    copyFileSync(found, target)
    chmodSync(target, 0o755)
  } finally {
    rmSync(packages, { recursive: true })
  }
}

/**
 * Copies a program and its libraries. `from` is a folder with unpacked packages whose libraries are taken before those
 * of the machine.
 */
export async function layProgram(directory, { program, as, from = '' }) {
  copyInto(directory, program, as)
  chmodSync(join(directory, as), 0o755)
  const folders = from === '' ? [] : await libraryFolders(from)
  const listing = await run('ldd', [program], { env: { LD_LIBRARY_PATH: folders.join(':') } })
  if (/not found/.test(listing)) throw new Error(`${program} misses libraries:\n${listing}`)
  for (const [, library] of listing.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)) {
    const path = from !== '' && library.startsWith(from) ? library.slice(from.length) : library
    copyInto(directory, library, path)
  }
}

async function libraryFolders(from) {
  const listing = await run('find', [from, '-name', '*.so*', '-printf', '%h\n'])
  return [...new Set(listing.trim().split('\n'))]
}

function copyInto(directory, file, as) {
  const target = join(directory, as)
  mkdirSync(dirname(target), { recursive: true })
  copyFileSync(file, target)
}
