import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inspectImage, pullImage, pushImage, removeImage, tagImage } from '../../../src/docker/images.ts'
import { freePort } from '../../support/free-port.ts'
import { BUSYBOX, dockerSandbox } from './fixture.ts'

const sandbox = dockerSandbox()
const { engine } = sandbox.host
const folder = mkdtempSync(join(tmpdir(), 'slipway-registry-'))
let registry: ChildProcess
let address = ''

beforeAll(async () => {
  address = `127.0.0.1:${await freePort()}`
  writeFileSync(
    join(folder, 'config.yml'),
    `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}/data}}\nhttp: {addr: "${address}"}\n`,
  )
  registry = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' })
  while (
    !(await fetch(`http://${address}/v2/`).then(
      (answer) => answer.ok,
      () => false,
    ))
  )
    await new Promise((resolve) => setTimeout(resolve, 25))
})
afterAll(async () => {
  const ended = once(registry, 'exit')
  registry.kill()
  await ended
  rmSync(folder, { recursive: true })
  await sandbox.dispose()
})

describe('a registry', () => {
  it('takes an image and gives it back by the digest it said', async () => {
    const reference = `${address}/acme/web:live`
    await tagImage(engine, BUSYBOX, reference)
    const pushed = await pushImage(engine, reference)
    expect(pushed).toEqual({ kind: 'pushed', digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) })
    const byDigest = `${address}/acme/web@${pushed.kind === 'pushed' ? pushed.digest : ''}`
    expect((await inspectImage(engine, reference))?.digests).toContain(byDigest)
    await removeImage(engine, reference)
    await removeImage(engine, byDigest)
    const progress: string[] = []
    expect(await pullImage(engine, byDigest, { onProgress: (line) => progress.push(line) })).toEqual({ kind: 'pulled' })
    expect(progress.length).toBeGreaterThan(0)
    expect(await inspectImage(engine, byDigest)).toBeDefined()
    await removeImage(engine, byDigest)
  })

  it('says that it has no such image', async () => {
    expect(await pullImage(engine, `${address}/acme/web:none`)).toMatchObject({ kind: 'missing' })
  })
})
