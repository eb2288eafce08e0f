import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** How much of a program's last words fits into one error message, characters. */
const LAST_WORDS = 600

/** Runs a program to its end (no shell) and gives its output; throws with its last words when it fails. */
export async function run(command, args, { cwd, env, input } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
  const parts = []
  const words = []
  child.stdout.on('data', (part) => parts.push(part))
  child.stderr.on('data', (part) => words.push(part))
  child.stdin.on('error', () => undefined).end(input)
  const code = await new Promise((settle, fail) => child.on('error', fail).on('close', settle))
  if (code !== 0) {
    const said = Buffer.concat(words).toString().trim().slice(-LAST_WORDS)
    throw new Error(`${command} ${args[0] ?? ''} ended with ${code}: ${said}`)
  }
  return Buffer.concat(parts).toString()
}

/** Where a program is, or undefined. The system's own folders count even where PATH leaves them out. */
export function which(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
