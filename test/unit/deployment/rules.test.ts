import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEPLOYMENT_STATES, isFinal, mayFollow, refusalOf, type Route } from '../../../src/deployment/index.ts'
import { placesFor, servesRelease, switchedTo, withPlaces } from '../../../src/deployment/route.ts'
import { redeployCommand, unikernelPath } from '../../../src/deployment/unikernel-request.ts'
import { parseSubnet, proxyAddress, slotAddress } from '../../../src/haproxy/slot-addresses.ts'
import { HOST, serviceConfig } from '../../support/deployment-fixture.ts'

describe('states', () => {
  test('always lead to an end, and an end leads nowhere', () => {
    for (const state of DEPLOYMENT_STATES) {
      const next = DEPLOYMENT_STATES.filter((other) => mayFollow(state, other))
      expect(next.length === 0).toBe(isFinal(state))
    }
  })
})

describe('places in the proxy', () => {
  test('of two releases never overlap, whatever happens', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.constantFrom('a', 'b', 'c'),
            fc.constantFrom('place', 'switch', 'drop'),
            fc.integer({ min: 1, max: 8 }),
          ),
          { maxLength: 30 },
        ),
        (steps) => {
          let route: Route = { host: 'h', serviceId: 's', backend: 0, domains: [], slots: [] }
          for (const [release, step, replicas] of steps) {
            const places = placesFor(route, release, replicas)
            if (step === 'place' && places !== null) route = withPlaces(route, release, places, 80)
            if (step === 'switch') route = switchedTo(route, release, [])
            if (step === 'drop') route = { ...route, slots: route.slots.filter((slot) => slot.releaseId !== release) }
            const slots = route.slots.map((slot) => slot.slot)
            expect(new Set(slots).size).toBe(slots.length)
            expect(
              new Set(route.slots.filter((slot) => slot.state === 'ready').map((slot) => slot.releaseId)).size,
            ).toBeLessThanOrEqual(1)
          }
          expect(servesRelease(route) === null || route.slots.length > 0).toBe(true)
        },
      ),
    )
  })

  test('have addresses of their own in the upper half of the network', () => {
    const subnet = parseSubnet('172.20.0.0/16')
    expect(slotAddress(subnet, 0, 0)).toBe('172.20.128.0')
    expect(slotAddress(subnet, 3, 2)).toBe('172.20.128.50')
    expect(proxyAddress(subnet)).toBe('172.20.255.254')
    expect(() => parseSubnet('10.0.0.0/24')).toThrow('too small')
  })
})

describe('a service is refused', () => {
  const policy = { deployHosts: ['local'], deployBranches: ['live', 'live-*'] }
  const refuse = (change: Partial<Parameters<typeof refusalOf>[0]>) =>
    refusalOf(serviceConfig('www', change), { policy, hosts: [HOST] })?.kind ?? null

  test('for what the admin did not allow, and for nothing else', () => {
    expect(refuse({})).toBeNull()
    expect(refuse({ branch: 'live-eu' })).toBeNull()
    expect(refuse({ branch: 'main' })).toBe('branch_not_allowed')
    expect(refuse({ host: 'elsewhere' })).toBe('host_unknown')
    expect(refuse({ name: 'a; rm -rf /' })).toBe('name_not_allowed')
    expect(refuse({ port: null })).toBe('port_missing')
    expect(refuse({ port: null, domains: [], healthcheck: null })).toBeNull()
    expect(refuse({ replicas: 9 })).toBe('too_many_replicas')
    expect(refuse({ driver: 'unikernel' })).toBe('host_has_no_unikernels')
    expect(refusalOf(serviceConfig('www'), { policy: { ...policy, deployHosts: [] }, hosts: [HOST] })?.kind).toBe(
      'host_not_given',
    )
  })
})

describe('a unikernel', () => {
  const config = { directory: '/srv/unikernels/', redeploy: 'mirage-redeploy --now' }
  test('has a file and a command by its name', () => {
    expect(unikernelPath(config, { name: 'www', unikernel: 'xen' })).toBe('/srv/unikernels/www.xen')
    expect(redeployCommand(config, 'www')).toEqual(['mirage-redeploy', '--now', 'www'])
  })
  test.each(['../etc', 'a b', '$(id)', '-rf', '', 'a/b', 'x'.repeat(64)])('gets neither for the name %j', (name) => {
    expect(unikernelPath(config, { name, unikernel: 'hvt' })).toBeNull()
    expect(redeployCommand(config, name)).toBeNull()
  })
})
