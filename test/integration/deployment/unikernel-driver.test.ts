import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectDockerHost, type DockerHost } from '../../../src/docker/connect-host.ts'
import { createUnikernelDriver } from '../../../src/docker/services/unikernel-driver.ts'
import type { ServiceDriver } from '../../../src/deployment/index.ts'
import { buildImage } from '../../support/service-images.ts'
import { startSshd, type Sshd } from '../docker/sshd.ts'
import { openDriverBench, rolloutOf, type DriverBench } from './driver-bench.ts'

let bench: DriverBench
let sshd: Sshd
let host: DockerHost
let driver: ServiceDriver
const directory = mkdtempSync(join(tmpdir(), 'slipway-unikernels-'))
const redeploy = join(directory, 'redeploy')

beforeAll(async () => {
  bench = await openDriverBench()
  sshd = await startSshd()
  host = connectDockerHost({
    name: 'kernels',
    endpoint: `ssh://${sshd.username}@127.0.0.1:${sshd.port}`,
    hostKey: sshd.hostKey,
    identity: sshd.identity,
  })
  writeFileSync(redeploy, `#!/bin/sh\necho "redeploying $1"\necho "$1" >> ${directory}/calls\ntest "$1" != broken\n`, {
    mode: 0o755,
  })
  if (host.shell === undefined) throw new Error('no shell')
  driver = createUnikernelDriver({
    instance: bench.instance,
    engineOf: () => bench.host.engine,
    shell: host.shell,
    config: { directory, redeploy },
  })
})
afterAll(async () => {
  host.close()
  await sshd.dispose()
  await bench.end()
  rmSync(directory, { recursive: true })
})

const image = () => buildImage('FROM busybox:latest\nARG TARGET\nRUN echo kernel-for-xen > /unikernel.xen\n')
const service = (name: string) => ({ id: '00000000-0000-4000-8000-000000000000', name })

describe('the unikernel driver', () => {
  test('takes the file out of the image, copies it over SSH and has it redeployed', async () => {
    const rollout = rolloutOf(service('hello'), await image(), { unikernel: 'xen' })
    expect(await driver.roll(rollout, await bench.hand())).toEqual({ kind: 'rolled', warnings: [] })
    expect(readFileSync(join(directory, 'hello.xen'), 'utf8')).toBe('kernel-for-xen\n')
    expect(readFileSync(join(directory, 'calls'), 'utf8')).toBe('hello\n')
  })

  test('tells what the command said when it fails', async () => {
    const rollout = rolloutOf(service('broken'), await image(), { unikernel: 'xen' })
    expect(await driver.roll(rollout, await bench.hand())).toMatchObject({
      kind: 'failed',
      failure: { kind: 'crashed', exitCode: 1, logTail: ['redeploying broken'] },
    })
  })

  test('tells an image without the file', async () => {
    const rollout = rolloutOf(service('hello'), await image(), { unikernel: 'hvt' })
    expect(await driver.roll(rollout, await bench.hand())).toMatchObject({
      kind: 'failed',
      failure: { kind: 'image_missing', cause: 'the image has no file /unikernel.hvt' },
    })
  })

  test('touches nothing for a name with shell characters', async () => {
    const rollout = rolloutOf(service('x$(touch pwned)'), await image(), { unikernel: 'xen' })
    expect(await driver.roll(rollout, await bench.hand())).toMatchObject({
      kind: 'failed',
      failure: { kind: 'not_allowed' },
    })
  })
})
