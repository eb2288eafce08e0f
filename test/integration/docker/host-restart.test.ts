import { afterAll, beforeAll, expect, it } from 'vitest'
import { connectDockerHost } from '../../../src/docker/connect-host.ts'
import type { DockerHost } from '../../../src/docker/connect-host.ts'
import { inspectContainer } from '../../../src/docker/container-state.ts'
import { createContainer, startContainer } from '../../../src/docker/run-container.ts'
import type { FollowOptions } from '../../../src/docker/run-container.ts'
import { startPrivateDocker } from '../../support/docker-daemon.ts'
import type { PrivateDocker } from '../../support/docker-daemon.ts'
import { collectOutput, dockerSandbox } from './fixture.ts'

const sandbox = dockerSandbox()
let docker: PrivateDocker
let host: DockerHost
beforeAll(async () => {
  docker = await startPrivateDocker()
  host = connectDockerHost({ name: 'private', endpoint: docker.socket })
})
afterAll(async () => {
  host.close()
  await docker.stop()
  await sandbox.dispose()
})

/** Starts a container on the private Engine and returns once the Engine knows that it runs. */
async function running(script: string, options: FollowOptions = {}) {
  const output = collectOutput()
  const created = await createContainer(host.engine, sandbox.script(script))
  if (created.kind !== 'created') throw new Error(created.kind)
  const end = startContainer(host.engine, created.id, output.sink, options)
  await expect
    .poll(async () => (await inspectContainer(host.engine, created.id))?.running === true && output.text() !== '', {
      timeout: 30_000,
    })
    .toBe(true)
  return { output, end }
}

it('tells the true end of a container whose Engine was killed and came back', async () => {
  const { output, end } = await running('echo before; while true; do sleep 1; done')
  await docker.kill()
  await docker.restart()
  // This Engine does not keep containers over its restart; one that does would end this differently, and as truly.
  expect(await end).toMatchObject({ kind: 'exited', hostWasAway: true, exitCode: expect.any(Number) })
  expect(output.text()).toBe('before\n')
})

it('gives up on a host that stays away', async () => {
  const { end } = await running('echo up; while true; do sleep 1; done', { hostAwayLimitMs: 100 })
  await docker.kill()
  expect(await end).toMatchObject({ kind: 'infrastructure', message: expect.stringContaining('private') })
  await docker.restart()
})
