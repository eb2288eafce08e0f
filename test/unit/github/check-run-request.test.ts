/** What is sent of a check, within GitHub's limits, whatever a repository put into it. */
import { describe, expect, it } from 'vitest'
import type { Annotation, DesiredCheck } from '../../../src/core/check.ts'
import { annotationsAfter, checkRunRequest } from '../../../src/github/check-run-request.ts'
import type { PendingCheck } from '../../../src/github/ports.ts'

const annotation = (line: number, more: Partial<Annotation> = {}): Annotation => ({
  path: 'Dockerfile',
  startLine: line,
  endLine: line,
  level: 'failure',
  message: 'no',
  ...more,
})

function pending(output: Partial<DesiredCheck['output']>, more: Partial<PendingCheck> = {}): PendingCheck {
  return {
    runId: 'run',
    repositoryId: 1,
    owner: 'acme',
    repository: 'web',
    sha: 'a'.repeat(40),
    name: 'deployability',
    attempt: 1,
    createdAt: new Date(0),
    startedAt: null,
    completedAt: null,
    checkRunId: null,
    mayExist: false,
    creationSettlesInMs: 0,
    desired: {
      status: 'completed',
      conclusion: 'failure',
      output: { title: 'It failed', summary: 'Because.', annotations: [], ...output },
      buttons: [],
    },
    version: 1,
    isShownCompleted: false,
    annotationsSent: 0,
    failures: 0,
    ...more,
  }
}

const request = (check: PendingCheck) => checkRunRequest(check, 'https://slipway.example/runs/run')
const loneSurrogate = /\p{Surrogate}/u

describe('a check run’s request', () => {
  it('has a title of one line without control characters', () => {
    const { output } = request(pending({ title: 'red \u001B[31m\nline\0 two' }))
    expect(output.title).toBe('red  [31m line  two')
  })

  it('is cut where GitHub would refuse it, and says so', () => {
    const { output } = request(
      pending({
        title: 'x'.repeat(1_000),
        summary: '☃'.repeat(60_000),
        annotations: [annotation(1, { message: 'é'.repeat(65_000) })],
      }),
    )
    expect(output.title).toHaveLength(255)
    expect(Buffer.byteLength(output.summary)).toBeLessThanOrEqual(65_535)
    expect(output.summary).toMatch(/run’s page\.$/)
    expect(Buffer.byteLength(output.annotations[0]?.message ?? '')).toBeLessThanOrEqual(65_535)
  })

  it('never holds half a character, however it is cut', () => {
    for (const offset of [0, 1]) {
      const text = 'x'.repeat(offset) + '🚀'.repeat(40_000)
      const { output } = request(
        pending({ title: text, summary: text, text, annotations: [annotation(1, { title: text, message: text })] }),
      )
      for (const part of [
        output.title,
        output.summary,
        output.text ?? '',
        output.annotations[0]?.title ?? '',
        output.annotations[0]?.message ?? '',
      ]) {
        expect(part).not.toMatch(loneSurrogate)
      }
    }
  })

  it('sends fifty annotations at a time, and knows how many are there after it', () => {
    const annotations = Array.from({ length: 120 }, (_, n) => annotation(n + 1))
    const lines = [0, 50, 100].map((annotationsSent) =>
      request(pending({ annotations }, { annotationsSent })).output.annotations.map((one) => one.start_line),
    )
    expect(lines.map((part) => [part[0], part.length])).toEqual([
      [1, 50],
      [51, 50],
      [101, 20],
    ])
    expect([0, 50, 100, 120].map((sent) => annotationsAfter(pending({ annotations }).desired, sent))).toEqual([
      50, 100, 120, 120,
    ])
  })

  it('names columns only for annotations of one line', () => {
    const annotations = [
      annotation(3, { startColumn: 1, endColumn: 5 }),
      annotation(3, { endLine: 4, startColumn: 1, endColumn: 5 }),
    ]
    const [one, two] = request(pending({ annotations })).output.annotations
    expect(one).toMatchObject({ start_column: 1, end_column: 5 })
    expect(two).not.toHaveProperty('start_column')
  })

  it('shows three buttons at most, with labels that fit', () => {
    const check = pending({})
    const buttons = Array.from({ length: 5 }, () => ({
      identifier: 'cancel' as const,
      label: 'L'.repeat(30),
      description: 'D'.repeat(60),
    }))
    const { actions } = request({ ...check, desired: { ...check.desired, buttons } })
    expect(actions).toHaveLength(3)
    expect(actions[0]).toEqual({ identifier: 'cancel', label: 'L'.repeat(20), description: 'D'.repeat(40) })
  })
})
