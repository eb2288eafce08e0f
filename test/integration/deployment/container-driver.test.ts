import { expect, test } from 'vitest'
import { createContainerDriver } from '../../../src/docker/services/container-driver.ts'
import { createProxyEngine } from '../../../src/docker/services/proxy-engine.ts'
import { createTrafficProxy } from '../../../src/haproxy/traffic-proxy.ts'
import { createRouteStore } from '../../../src/store/proxy-routes.ts'
import { freePort } from '../../support/free-port.ts'
import { askHost } from '../../support/ask-host.ts'
import { serviceImage } from '../../support/service-images.ts'
import { rolloutOf } from './driver-bench.ts'
import { describeDriver } from './driver-contract.ts'

const http = await freePort()

describeDriver(
  'container',
  (bench) => {
    const routes = createRouteStore(bench.db)
    const engine = createProxyEngine(bench.host.engine, bench.instance)
    const proxy = createTrafficProxy(engine, { image: 'haproxy:lts', http, https: null, certificates: null }, () =>
      routes.list('local'),
    )
    return createContainerDriver(bench.host.engine, { instance: bench.instance, proxy, routes })
  },
  (context) => {
    test('answers to all its domains, in any case, and nobody answers to others', async () => {
      const { bench, driver } = context()
      const service = await bench.service()
      const domains = [`a.${service.name}.test`, `b.${service.name}.test`]
      const rollout = rolloutOf(service, await serviceImage('good', 'hello'), { domains })
      expect(await driver.roll(rollout, await bench.hand())).toMatchObject({ kind: 'rolled' })
      for (const domain of [...domains, domains[0]?.toUpperCase() ?? '']) {
        expect(await askHost(http, domain, '/')).toMatchObject({ status: 200, body: 'hello\n' })
      }
      expect(await askHost(http, 'stranger.test', '/')).toMatchObject({ status: 404 })
      await driver.remove(service, await bench.hand())
      expect(await askHost(http, domains[0] ?? '', '/')).toMatchObject({ status: 404 })
    })

    test('refuses a domain of another service', async () => {
      const { bench, driver } = context()
      const [one, two] = [await bench.service(), await bench.service()]
      const image = await serviceImage('good', 'one')
      const domains = [`${one.name}.test`]
      await driver.roll(rolloutOf(one, image, { domains }), await bench.hand())
      expect(await driver.roll(rolloutOf(two, image, { domains }), await bench.hand())).toMatchObject({
        kind: 'failed',
        failure: { kind: 'refused' },
      })
      for (const service of [one, two]) await driver.remove(service, await bench.hand())
    })

    test('serves what it served after the proxy, and then the whole of it, came anew', async () => {
      const { bench, driver } = context()
      const service = await bench.service()
      const rollout = rolloutOf(service, await serviceImage('good', 'still here'), { replicas: 2 })
      const domain = rollout.domains[0] ?? ''
      await driver.roll(rollout, await bench.hand())
      const name = `slipway-${bench.instance.slice(0, 12)}-proxy`
      await bench.host.engine.call({ method: 'POST', path: `/containers/${name}/restart`, query: { t: 0 } })
      await expect
        .poll(() => askHost(http, domain, '/'), { timeout: 20_000 })
        .toMatchObject({ status: 200, body: 'still here\n' })
      await bench.host.engine.call({ method: 'DELETE', path: `/containers/${name}`, query: { force: true } })
      // The next look at the host makes it again, with the table of the database.
      const routes = createRouteStore(bench.db)
      const engine = createProxyEngine(bench.host.engine, bench.instance)
      await createTrafficProxy(engine, { image: 'haproxy:lts', http, https: null, certificates: null }, () =>
        routes.list('local'),
      ).ensure()
      expect(await askHost(http, domain, '/')).toMatchObject({ status: 200, body: 'still here\n' })
      await driver.remove(service, await bench.hand())
    })

    test('shows a page for the time in which nothing is healthy', async () => {
      const { bench, driver } = context()
      const service = await bench.service()
      const rollout = rolloutOf(service, await serviceImage('good', 'one'))
      await driver.roll(rollout, await bench.hand())
      const routes = createRouteStore(bench.db)
      const route = await routes.find('local', service.id)
      if (route === null) throw new Error('no route')
      const { lease } = await bench.hand()
      await routes.save(lease, { ...route, slots: route.slots.map((slot) => ({ ...slot, state: 'off' as const })) })
      const engine = createProxyEngine(bench.host.engine, bench.instance)
      const proxy = createTrafficProxy(engine, { image: 'haproxy:lts', http, https: null, certificates: null }, () =>
        routes.list('local'),
      )
      await routes.exclusively('local', (table) => proxy.apply(table))
      const answer = await askHost(http, rollout.domains[0] ?? '', '/')
      expect(answer.status).toBe(503)
      expect(answer.body).toContain('being put back in place')
      await driver.remove(service, await bench.hand())
    })

    test('runs a worker that nobody asks over HTTP', async () => {
      const { bench, driver } = context()
      const service = await bench.service()
      const rollout = rolloutOf(service, await serviceImage('good', 'one'), {
        port: null,
        domains: [],
        healthcheck: null,
      })
      expect(await driver.roll(rollout, await bench.hand())).toMatchObject({ kind: 'rolled' })
      expect(await driver.look(rollout, true)).toEqual({ kind: 'running' })
      await driver.remove(service, await bench.hand())
    })
  },
)
