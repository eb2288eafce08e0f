import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  createService,
  inspectService,
  listTasks,
  removeService,
  updateService,
} from '../../../src/docker/swarm-services.ts'
import type { SwarmService } from '../../../src/docker/swarm-services.ts'
import { describeHost } from '../../../src/docker/host-info.ts'
import { ensureSwarm } from '../../support/swarm.ts'
import { BUSYBOX, dockerSandbox } from './fixture.ts'

const sandbox = dockerSandbox()
const { engine } = sandbox.host
const name = sandbox.name('service')
const spec = {
  Name: name,
  Labels: { 'slipway.instance': sandbox.instance },
  TaskTemplate: {
    ContainerSpec: { Image: BUSYBOX, Command: ['sh', '-c', 'exit 3'] },
    RestartPolicy: { Condition: 'none' },
  },
}
beforeAll(() => ensureSwarm())
afterAll(async () => {
  await removeService(engine, name)
  await removeService(engine, name)
  await sandbox.dispose()
})

const relabelled = (value: string) => (current: SwarmService) => ({
  ...current.spec,
  Labels: { ...current.labels, value },
})

it('a service is made, changed under contention, and says why its tasks failed', async () => {
  expect((await describeHost(sandbox.host)).swarmManager).toBe(true)
  expect(await inspectService(engine, name)).toBeUndefined()
  await createService(engine, spec, BUSYBOX)
  await expect(createService(engine, spec, BUSYBOX)).rejects.toMatchObject({ code: 'conflict' })

  const before = await inspectService(engine, name)
  const versions = await Promise.all(
    ['a', 'b', 'c', 'd'].map((value) => updateService(engine, name, BUSYBOX, relabelled(value))),
  )
  expect(versions.every((version) => version !== undefined && version > (before?.version ?? 0))).toBe(true)
  expect(await updateService(engine, name, BUSYBOX, () => undefined)).toBeUndefined()
  expect((await inspectService(engine, name))?.labels['value']).toMatch(/^[abcd]$/)
  await expect(updateService(engine, `${name}-none`, BUSYBOX, relabelled('x'))).rejects.toMatchObject({
    code: 'not_found',
  })

  await expect
    .poll(async () => (await listTasks(engine, name))[0], { timeout: 30_000 })
    .toMatchObject({ state: 'failed', exitCode: 3, image: BUSYBOX, error: expect.stringContaining('3') })
})
