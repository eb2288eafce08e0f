/** `npm ci` when `node_modules` is missing or does not hold what `package-lock.json` says. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SetUpError } from './set-up-error.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const OLDEST_NODE = [20, 18]

export async function installDependencies({ announce }) {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    throw new SetUpError(`Node ${OLDEST_NODE.join('.')} or newer is needed; this is ${process.versions.node}`)
  }
  if (isCurrent()) return
  announce('installing the packages of package-lock.json (npm ci)')
  const npm = process.env.npm_execpath
  const [command, args] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  // Development packages too, even where NODE_ENV says production: the tests and the checks are made of them.
  const child = spawn(command, [...args, 'ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  const [code] = await Promise.race([once(child, 'exit'), once(child, 'error').then(() => [127])])
  if (code !== 0) throw new SetUpError('npm ci failed; its words are above')
}

/** npm keeps the list of what it installed beside the packages; that list is compared with the wanted one. */
function isCurrent() {
  const installedList = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installedList)) return false
  const installed = readPackages(installedList)
  return Object.entries(readPackages(join(root, 'package-lock.json'))).every(([path, wanted]) => {
    if (path === '') return true
    const found = installed[path]
    // A package for another system, or one that nobody asked for, may be left out.
    if (found === undefined) return wanted.optional === true || wanted.devOptional === true || wanted.peer === true
    return found.version === wanted.version && found.integrity === wanted.integrity && existsSync(join(root, path))
  })
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages ?? {}
}
