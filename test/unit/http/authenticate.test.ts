import { expect, it } from 'vitest'
import { secretOf } from '../../../src/core/secret.ts'
import { createAuthenticate, mayUse, mayUsePool } from '../../../src/http/authenticate.ts'

const nobody = () => Promise.resolve(null)
const deps = { findByHash: nobody, adminToken: null, poolToken: secretOf('right'), now: () => 0 }

it('slows down who guesses, by address, and nobody else', async () => {
  const authenticate = createAuthenticate(deps)
  const kinds: string[] = []
  for (let n = 0; n < 120; n++) kinds.push((await authenticate(`Bearer guess-${n}`, '10.0.0.1')).kind)
  expect(kinds[0]).toBe('refused')
  expect(await authenticate('Bearer right', '10.0.0.1')).toEqual({
    kind: 'limited',
    retryAfterSeconds: expect.any(Number),
  })
  expect((await authenticate('Bearer right', '10.0.0.2')).kind).toBe('ok')
})

it('does not count requests without a token as guesses', async () => {
  const authenticate = createAuthenticate(deps)
  for (let n = 0; n < 300; n++) expect((await authenticate(undefined, '10.0.0.1')).kind).toBe('refused')
  expect((await authenticate('Bearer right', '10.0.0.1')).kind).toBe('ok')
})

it('is closed when nothing is configured, also to an empty token', async () => {
  const authenticate = createAuthenticate({ ...deps, poolToken: secretOf(''), adminToken: null })
  for (const header of [undefined, '', 'Bearer ', 'Bearer null'])
    expect((await authenticate(header, 'a')).kind).toBe('refused')
})

it('asks for a token again once it may have been revoked', async () => {
  let now = 0
  let isValid = true
  const token = { name: 'ci', scope: 'pool' as const, pools: ['default'], organization: null }
  const authenticate = createAuthenticate({
    ...deps,
    findByHash: () => Promise.resolve(isValid ? token : null),
    now: () => now,
  })
  const answer = await authenticate('Bearer x', 'a')
  expect(answer).toEqual({
    kind: 'ok',
    identity: { actor: 'token:ci', scope: 'pool', pools: ['default'], organization: null },
  })
  isValid = false
  now = 5_000
  expect((await authenticate('Bearer x', 'a')).kind).toBe('refused')
})

it('lets an admin do everything, and everyone read', () => {
  const identity = (scope: 'admin' | 'pool' | 'read') => ({ actor: 'a', scope, pools: ['one'], organization: null })
  expect([
    mayUse(identity('admin'), 'pool'),
    mayUse(identity('pool'), 'pool'),
    mayUse(identity('pool'), 'read'),
  ]).toEqual([true, true, true])
  expect([
    mayUse(identity('pool'), 'admin'),
    mayUse(identity('read'), 'pool'),
    mayUse(identity('pool'), 'runner'),
  ]).toEqual([false, false, false])
  expect([mayUsePool(identity('pool'), 'one'), mayUsePool(identity('pool'), 'two')]).toEqual([true, false])
})
