/** What every driver must do, on a real Engine. A driver's own test file runs it and adds what only it can do. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServiceDriver } from '../../../src/deployment/ports.ts'
import { serviceImage } from '../../support/service-images.ts'
import { openDriverBench, rolloutOf, type DriverBench, type DriverUnderTest } from './driver-bench.ts'

export function describeDriver(
  name: string,
  driverOf: DriverUnderTest,
  more?: (context: () => { bench: DriverBench; driver: ServiceDriver }) => void,
): void {
  describe(`the ${name} driver`, () => {
    let bench: DriverBench
    let driver: ServiceDriver
    let service: { id: string; name: string }
    const made: { id: string; name: string }[] = []

    beforeAll(async () => {
      bench = await openDriverBench()
      driver = driverOf(bench)
      service = await newService()
    })
    afterAll(async () => {
      for (const one of made) await driver.remove(one, await bench.hand())
      await bench.end()
    })
    async function newService() {
      const one = await bench.service()
      made.push(one)
      return one
    }

    test('puts a good release in place, and asked again does nothing a second time', async () => {
      const rollout = rolloutOf(service, await serviceImage('good', 'one'))
      const hand = await bench.hand()
      expect(await driver.roll(rollout, hand)).toEqual({ kind: 'rolled', warnings: [] })
      expect(await driver.look(rollout, true)).toEqual({ kind: 'running' })
      const notes = hand.notes.length
      expect(notes).toBeGreaterThan(0)
      expect(await driver.roll(rollout, hand)).toMatchObject({ kind: 'rolled' })
      expect(hand.notes.slice(notes).filter((note) => /created|updated/.test(note))).toEqual([])
    })

    test('replaces a release by the next, and says so of the former', async () => {
      const [one, two] = [
        rolloutOf(service, await serviceImage('good', 'one')),
        rolloutOf(service, await serviceImage('good', 'two')),
      ]
      for (const rollout of [one, two]) {
        expect(await driver.roll(rollout, await bench.hand())).toMatchObject({ kind: 'rolled' })
        await driver.settle(rollout, await bench.hand())
      }
      expect(await driver.look(two, true)).toEqual({ kind: 'running' })
      expect((await driver.look(one, false)).kind).toMatch(/replaced|absent/)
    })

    test('takes the same image again, as a release of its own', async () => {
      const image = await serviceImage('good', 'two')
      const rollout = rolloutOf(service, image)
      expect(await driver.roll(rollout, await bench.hand())).toMatchObject({ kind: 'rolled' })
      await driver.settle(rollout, await bench.hand())
      expect(await driver.look(rollout, false)).toEqual({ kind: 'running' })
    })

    test('tells an image that the host does not have', async () => {
      const rollout = rolloutOf(service, `sha256:${'0'.repeat(64)}`)
      const outcome = await driver.roll(rollout, await bench.hand())
      expect(outcome).toMatchObject({ kind: 'failed', failure: { kind: 'image_missing' } })
    })

    test('tells a crash at the start with exit code and last words, and goes back', async () => {
      const good = rolloutOf(service, await serviceImage('good', 'three'))
      expect(await driver.roll(good, await bench.hand())).toMatchObject({ kind: 'rolled' })
      await driver.settle(good, await bench.hand())
      const bad = rolloutOf(service, await serviceImage('crash', 'x'))
      const outcome = await driver.roll(bad, await bench.hand())
      expect(outcome).toMatchObject({
        kind: 'failed',
        failure: { kind: 'crashed', exitCode: 3, logTail: ['cannot read the configuration'] },
      })
      const back = { ...good, runId: bad.runId }
      expect(await driver.roll(back, await bench.hand())).toMatchObject({ kind: 'rolled' })
      await driver.settle(back, await bench.hand())
      expect(await driver.look(back, true)).toEqual({ kind: 'running' })
      expect((await driver.look(bad, false)).kind).toMatch(/replaced|absent/)
    })

    test('tells that a release never becomes healthy', async () => {
      const healthcheck = { path: '/up', intervalMs: 200, timeoutMs: 1_000, deadlineMs: 2_000 }
      const rollout = rolloutOf(service, await serviceImage('unhealthy', 'x'), { healthcheck, deadlineMs: 15_000 })
      const outcome = await driver.roll(
        { ...rollout, deadlineMs: name === 'container' ? 2_000 : 30_000 },
        await bench.hand(),
      )
      expect(outcome).toMatchObject({ kind: 'failed', failure: { kind: 'unhealthy' } })
    })

    test('sees a crash while the release is being watched', async () => {
      const rollout = rolloutOf(await newService(), await serviceImage('crash-later', 'x'))
      expect(await driver.roll(rollout, await bench.hand())).toMatchObject({ kind: 'rolled' })
      const deadline = Date.now() + 20_000
      let condition = await driver.look(rollout, true)
      while (condition.kind === 'running' && Date.now() < deadline) {
        await delay(100)
        condition = await driver.look(rollout, true)
      }
      expect(condition).toMatchObject({ kind: 'failed', failure: { kind: 'crashed' } })
    })

    test('removes a service without a trace', async () => {
      const one = await bench.service()
      const rollout = rolloutOf(one, await serviceImage('good', 'one'))
      expect(await driver.roll(rollout, await bench.hand())).toMatchObject({ kind: 'rolled' })
      await driver.remove(one, await bench.hand())
      expect(await driver.look(rollout, false)).toEqual({ kind: 'absent' })
    })

    more?.(() => ({ bench, driver }))
  })
}
