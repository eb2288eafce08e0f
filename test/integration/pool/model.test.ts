/** Random orders against the real database and a model of twenty lines: both must agree on who holds what. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkRequest } from '../../../src/pool/check-request.ts'
import { createPoolFixture, type PoolFixture } from '../../support/pool-fixture.ts'

let fixture: PoolFixture

beforeAll(async () => {
  fixture = await createPoolFixture()
})

afterAll(async () => {
  await fixture.stop()
})

interface ModelRequest {
  readonly client: string
  readonly count: number
  readonly priority: number
  readonly order: number
}

/** What the pool should do, without a database: first what can be served, in the order of the line. */
class PoolModel {
  readonly free = new Set<string>()
  readonly held = new Map<string, readonly string[]>()
  waiting: ModelRequest[] = []
  private readonly served = new Map<string, number>()
  private clock = 0

  constructor(ids: readonly string[]) {
    ids.forEach((id) => this.free.add(id))
  }

  reserve(request: Omit<ModelRequest, 'order'>, waits: boolean): void {
    this.waiting.push({ ...request, order: this.clock++ })
    this.handOut()
    if (!waits) this.waiting = this.waiting.filter(({ client }) => client !== request.client)
  }

  end(client: string): void {
    this.held.get(client)?.forEach((id) => this.free.add(id))
    this.held.delete(client)
    this.waiting = this.waiting.filter((request) => request.client !== client)
    this.handOut()
  }

  private handOut(): void {
    for (;;) {
      const next = this.line().find(({ count }) => count <= this.free.size)
      if (next === undefined) return
      const ids = [...this.free].toSorted((a, b) => Number(a) - Number(b)).slice(0, next.count)
      ids.forEach((id) => this.free.delete(id))
      this.held.set(next.client, ids)
      this.waiting = this.waiting.filter((request) => request !== next)
      this.served.set(ownerOf(next.client), this.clock++)
    }
  }

  private line(): ModelRequest[] {
    const since = Math.min(...this.waiting.map(({ order }) => order))
    const turns = new Map<ModelRequest, number>()
    for (const request of this.waiting) {
      const own = this.waiting.filter(
        (other) => ownerOf(other.client) === ownerOf(request.client) && before(other, request) <= 0,
      )
      const holds = [...this.held]
        .filter(([client]) => ownerOf(client) === ownerOf(request.client))
        .flatMap(([, ids]) => ids).length
      turns.set(request, holds + own.reduce((sum, { count }) => sum + count, 0))
    }
    const servedAt = (request: ModelRequest): number => {
      const at = this.served.get(ownerOf(request.client)) ?? -1
      return at > since ? at : -1
    }
    return this.waiting.toSorted(
      (a, b) =>
        b.priority - a.priority ||
        (turns.get(a) ?? 0) - (turns.get(b) ?? 0) ||
        servedAt(a) - servedAt(b) ||
        a.order - b.order,
    )
  }
}

const before = (a: ModelRequest, b: ModelRequest): number => b.priority - a.priority || a.order - b.order
const ownerOf = (client: string): string => client.split('--')[0] ?? ''

const INSTANCES = 3
const CLIENTS = ['a--r--1--1', 'a--r--2--1', 'a--r--3--1', 'b--r--1--1', 'b--r--2--1', 'c--r--1--1']

const order = fc.oneof(
  fc.record({
    kind: fc.constant('reserve' as const),
    client: fc.constantFrom(...CLIENTS),
    count: fc.integer({ min: 1, max: INSTANCES }),
    priority: fc.integer({ min: 0, max: 1 }),
    waits: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom('release' as const, 'expire' as const), client: fc.constantFrom(...CLIENTS) }),
)

it('hands out exactly as the model does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(order, { maxLength: 25 }), async (orders) => {
      await fixture.reset()
      const model = new PoolModel(await fixture.addInstances(INSTANCES))
      const pool = await fixture.pool()
      const ids = new Map<string, string>()
      for (const step of orders) {
        const isOpen = model.held.has(step.client) || model.waiting.some(({ client }) => client === step.client)
        if (step.kind === 'reserve') {
          if (isOpen) continue
          const wait = step.waits ? { forMs: 600_000, ttlMs: null, waiterId: null, wakeJob: null } : null
          const checked = checkRequest(
            { client: step.client, actor: 'model', count: step.count, priority: step.priority, wait },
            pool,
          )
          if (checked.kind !== 'ok') throw new Error(checked.message)
          const outcome = await fixture.store.reserve(pool, checked.request)
          if (outcome.kind === 'granted' || outcome.kind === 'waiting') ids.set(step.client, outcome.reservation.id)
          model.reserve(step, step.waits)
        } else if (step.kind === 'release') {
          await fixture.store.end(
            { by: 'id', id: ids.get(step.client) ?? NOBODY },
            { ending: 'released', actor: 'model', reason: '' },
          )
          model.end(step.client)
        } else if (model.held.has(step.client)) {
          await fixture.age(ids.get(step.client) ?? NOBODY, '50 minutes')
          await fixture.store.sweep()
          model.end(step.client)
        }
        const instances = await fixture.store.instances('default')
        const holders = instances.map(({ id, holder }) => [id, holder?.client ?? null])
        const expected = instances.map(({ id }) => [
          id,
          [...model.held].find(([, ids]) => ids.includes(id))?.[0] ?? null,
        ])
        expect(holders).toEqual(expected)
        const waiting = await fixture.store.queue('default')
        expect(waiting.map(({ client }) => client).toSorted()).toEqual(
          model.waiting.map(({ client }) => client).toSorted(),
        )
      }
    }),
    { numRuns: 25 },
  )
})

const NOBODY = '00000000-0000-4000-8000-000000000000'
