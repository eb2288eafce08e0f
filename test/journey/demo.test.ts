/** `slipway demo --once`: the whole story, as a newcomer sees it, and nothing left of it afterwards. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-demo-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('slipway demo --once', () => {
  it('tells the story to its good end', async () => {
    const env = { PATH: process.env['PATH'], HOME: folder, DATA_DIR: folder }
    const playing = promisify(execFile)(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'demo', '--once'], {
      cwd: ROOT,
      env,
    })
    // The story itself says where it broke off; the exit code alone would not.
    const { stdout } = await playing.catch((error: { stdout: string }) => error)
    expect(playing.child.exitCode, stdout).toBe(0)
    const told = [
      'annotation on Dockerfile:3',
      'cache tools-1: hit',
      'is released',
      'it answers: Hello',
      'rolled back to',
      'none lost',
      'verified    hello.tar',
      'The story ended well',
    ]
    for (const words of told) expect(stdout).toContain(words)
    expect(stdout).not.toContain('GitHub objected')
  }, 300_000)
})
