import { expect, test } from 'vitest'
import { createSwarmDriver } from '../../../src/docker/services/swarm-driver.ts'
import { findService, updateService } from '../../../src/docker/services/swarm-calls.ts'
import { serviceImage } from '../../support/service-images.ts'
import { ensureSwarm } from '../../support/swarm.ts'
import { rolloutOf } from './driver-bench.ts'
import { describeDriver } from './driver-contract.ts'

await ensureSwarm()

describeDriver(
  'swarm',
  (bench) =>
    createSwarmDriver(bench.host.engine, {
      instance: bench.instance,
      logins: {},
      ingressWorks: () => Promise.resolve(false),
    }),
  (context) => {
    test('goes on when somebody else changes the service at the same moment', async () => {
      const { bench, driver } = context()
      const service = await bench.service()
      const first = rolloutOf(service, await serviceImage('good', 'one'))
      await driver.roll(first, await bench.hand())
      let isDone = false
      const quarrel = (async () => {
        while (!isDone) {
          const found = await findService(bench.host.engine, service.name)
          const label = String(Math.random())
          if (found !== null) {
            await updateService(
              bench.host.engine,
              found,
              { ...found.spec, Labels: { ...found.spec.Labels, other: label } },
              {},
            ).catch(() => undefined)
          }
        }
      })()
      const second = rolloutOf(service, await serviceImage('good', 'two'))
      const outcome = await driver.roll(second, await bench.hand())
      isDone = true
      await quarrel
      expect(outcome).toMatchObject({ kind: 'rolled' })
      await driver.remove(service, await bench.hand())
    })

    test('tells that no node has room', async () => {
      const { bench, driver } = context()
      const service = await bench.service()
      const rollout = rolloutOf(service, await serviceImage('good', 'one'))
      await driver.roll(rollout, await bench.hand())
      const found = await findService(bench.host.engine, service.name)
      if (found === null) throw new Error('no service')
      const TaskTemplate = { ...found.spec.TaskTemplate, Placement: { Constraints: ['node.labels.nowhere == true'] } }
      const { 'slipway.service': _ours, ...labels } = found.spec.Labels
      // As if somebody had made it: then its placement is theirs to say.
      await updateService(bench.host.engine, found, { ...found.spec, Labels: labels, TaskTemplate }, {})
      const next = rolloutOf(service, await serviceImage('good', 'two'))
      expect(await driver.roll(next, await bench.hand())).toMatchObject({
        kind: 'failed',
        failure: { kind: 'no_capacity' },
      })
      const end = await findService(bench.host.engine, service.name)
      if (end !== null) await bench.host.engine.call({ method: 'DELETE', path: `/services/${end.id}` })
    })

    test('keeps what others set on a service that was there before, and never removes it', async () => {
      const { bench, driver } = context()
      const service = await bench.service()
      const image = await serviceImage('good', 'one')
      const spec = {
        Name: service.name,
        Labels: { team: 'a' },
        TaskTemplate: { ContainerSpec: { Image: image, Env: ['KEEP=1', 'LOG=old'] } },
      }
      await bench.host.engine.call({ method: 'POST', path: '/services/create', body: spec })
      const rollout = rolloutOf(service, image, { healthcheck: null })
      expect(await driver.roll(rollout, await bench.hand())).toMatchObject({ kind: 'rolled' })
      await driver.remove(service, await bench.hand())
      const found = await findService(bench.host.engine, service.name)
      expect(found?.spec.Labels['team']).toBe('a')
      expect(found?.spec.TaskTemplate.ContainerSpec.Env).toEqual(['KEEP=1', 'LOG=info'])
      if (found !== null) await bench.host.engine.call({ method: 'DELETE', path: `/services/${found.id}` })
    })

    test('tells that published ports do not answer where the kernel has no IPVS', async () => {
      const { bench, driver } = context()
      const service = await bench.service()
      const rollout = rolloutOf(service, await serviceImage('good', 'one'), {
        isPreview: false,
        port: 39_871,
        healthcheck: null,
      })
      expect(await driver.roll(rollout, await bench.hand())).toEqual({ kind: 'rolled', warnings: ['no_ipvs'] })
      await driver.remove(service, await bench.hand())
    })

    test('does not touch a service of another owner', async () => {
      const { bench, driver } = context()
      const service = await bench.service()
      const image = await serviceImage('good', 'one')
      await driver.roll(rolloutOf(service, image), await bench.hand())
      const stranger = rolloutOf({ ...(await bench.service()), name: service.name }, image)
      expect(await driver.roll(stranger, await bench.hand())).toMatchObject({
        kind: 'failed',
        failure: { kind: 'refused' },
      })
      await driver.remove(service, await bench.hand())
    })
  },
)
