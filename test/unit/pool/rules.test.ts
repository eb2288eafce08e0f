import { describe, expect, it } from 'vitest'
import { chooseGrants } from '../../../src/pool/choose-grants.ts'
import { clientProblem, parseWorkflowClient, repositoryOf } from '../../../src/pool/client-name.ts'
import { estimateWaitMs, retryAfterSeconds } from '../../../src/pool/estimate-wait.ts'
import { parseDomain } from '../../../src/pool/instance-domain.ts'

describe('a client’s name', () => {
  it.each([
    ['acme--shop--4711--12', 'acme', 'shop', '4711', '12'],
    ['acme--my--shop--4711--12', 'acme', 'my--shop', '4711', '12'],
    ['a-b--shop--4711--12--node-20', 'a-b', 'shop', '4711', '12'],
  ])('%s is a workflow run', (client, owner, name, workflowRunId, runNumber) => {
    expect(parseWorkflowClient(client)).toEqual({ owner, name, workflowRunId, runNumber })
  })

  it.each(['octocat--Hello-World--run-888--0', 'someone', '--a--1--1', 'a--b--1', ''])('%j is none', (client) => {
    expect(parseWorkflowClient(client)).toBeNull()
    expect(repositoryOf(client)).toBeNull()
  })

  it('may not be blank, endless or hold control characters', () => {
    expect(['', ' ', 'x'.repeat(256), 'a\u0000', 'a\u0085b'].map(clientProblem)).not.toContain(null)
    expect(['a', 'ünï cödé', "it's; drop table"].map(clientProblem)).toEqual([null, null, null])
  })

  it('is parsed in time that does not explode', () => {
    expect(parseWorkflowClient(`${'a-'.repeat(100_000)}--`)).toBeNull()
    expect(parseWorkflowClient(`a--${'b--'.repeat(100_000)}x`)).toBeNull()
  })
})

describe('a domain', () => {
  it.each([
    ['https://CI1.example.com/', 'ci1.example.com'],
    ['http://ci1.example.com:8443', 'ci1.example.com:8443'],
    ['ci1.example.com', 'ci1.example.com'],
    ['https://a/b', null],
    ['', null],
    ['ci 1', null],
    ['-a.example.com', null],
    ['a..b', null],
    ['user@host', null],
  ])('of %j is %j', (text, domain) => {
    expect(parseDomain(text)).toBe(domain)
  })
})

describe('handing out', () => {
  const free = [
    { id: '1', labels: { size: 's' } },
    { id: '2', labels: { size: 'l' } },
    { id: '3', labels: { size: 'l' } },
  ]
  const want = (id: string, count = 1, labels = {}, instanceId: string | null = null) => ({
    id,
    count,
    labels,
    instanceId,
  })

  it('goes by the line, whole requests only, past those who cannot be served', () => {
    expect(
      chooseGrants([want('a', 3, { size: 'l' }), want('b', 2, { size: 'l' }), want('c'), want('d')], free),
    ).toEqual([
      { reservationId: 'b', instanceId: '2' },
      { reservationId: 'b', instanceId: '3' },
      { reservationId: 'c', instanceId: '1' },
    ])
  })

  it('keeps to names', () => {
    expect(chooseGrants([want('a', 1, {}, '2'), want('b', 1, {}, '9')], free)).toEqual([
      { reservationId: 'a', instanceId: '2' },
    ])
  })
})

describe('an estimate', () => {
  it('follows the pace of the pool, and says nothing where nothing is handed out', () => {
    const pace = { capacity: 4, medianHoldMs: 600_000, defaultTimeoutMs: 2_700_000 }
    expect(estimateWaitMs(2, pace)).toBe(300_000)
    expect(estimateWaitMs(1, { ...pace, medianHoldMs: null })).toBe(337_500)
    expect(estimateWaitMs(1, { ...pace, capacity: 0 })).toBeNull()
  })

  it('becomes a Retry-After of one second to a minute', () => {
    expect([null, 0, -5, 1500, 1e9].map(retryAfterSeconds)).toEqual([60, 1, 1, 2, 60])
  })
})
