/** Which failure of GitHub means what: wait, try again, give up. */
import { RequestError } from '@octokit/request-error'
import { describe, expect, it } from 'vitest'
import { asGitHubError, classifyGitHubFailure } from '../../../src/github/github-error.ts'
import { limitWaitMs } from '../../../src/github/rate-limit.ts'

const NOW = Date.UTC(2026, 0, 1)
const REQUEST = { method: 'POST', url: 'https://github.example/x', headers: {} } as const

function answered(status: number, message: string, headers: Readonly<Record<string, string>> = {}): RequestError {
  const response = { status, url: REQUEST.url, headers, data: {} }
  return new RequestError(message, status, { request: REQUEST, response })
}

function broken(code: string): RequestError {
  const error = new RequestError('fetch failed', 500, { request: REQUEST })
  error.cause = Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error(code), { code }) })
  return error
}

describe('a failure of GitHub', () => {
  it('is a limit when it says so, for as long as it says', () => {
    expect(classifyGitHubFailure(answered(403, 'secondary rate limit', { 'retry-after': '7' }), NOW)).toMatchObject({
      kind: 'limited',
      waitMs: 7_000,
    })
    expect(classifyGitHubFailure(answered(429, 'slow down', { 'retry-after': '0' }), NOW)).toMatchObject({
      kind: 'limited',
      waitMs: 0,
    })
    const reset = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1000 + 90) }
    expect(classifyGitHubFailure(answered(403, 'API rate limit exceeded', reset), NOW)).toMatchObject({
      kind: 'limited',
      waitMs: 90_000,
    })
  })

  it('is a limit of a minute when it does not say for how long', () => {
    expect(classifyGitHubFailure(answered(403, 'You have exceeded a secondary rate limit'), NOW)).toMatchObject({
      kind: 'limited',
      waitMs: 60_000,
    })
  })

  it('is no limit when a right is missing', () => {
    expect(limitWaitMs(403, 'Resource not accessible by integration', {}, NOW)).toBeNull()
    expect(classifyGitHubFailure(answered(403, 'Resource not accessible by integration'), NOW)).toMatchObject({
      kind: 'refused',
      status: 403,
    })
  })

  it.each([500, 502, 504])('may pass when the status is %i, and nothing is under way any more', (status) => {
    expect(classifyGitHubFailure(answered(status, 'sorry'), NOW)).toMatchObject({ kind: 'unavailable', isOver: true })
  })

  it('passes with a new token when the old one has ended', () => {
    expect(classifyGitHubFailure(answered(401, 'Bad credentials'), NOW)).toMatchObject({
      kind: 'unavailable',
      isOver: true,
    })
  })

  it('leaves open what became of a request whose line broke, unless it never left', () => {
    expect(classifyGitHubFailure(broken('ECONNRESET'), NOW)).toMatchObject({ kind: 'unavailable', isOver: false })
    expect(classifyGitHubFailure(broken('ECONNREFUSED'), NOW)).toMatchObject({ kind: 'unavailable', isOver: true })
    expect(classifyGitHubFailure(new DOMException('late', 'TimeoutError'), NOW)).toMatchObject({
      kind: 'unavailable',
      isOver: false,
    })
  })

  it('is said in our words and codes', () => {
    expect(asGitHubError(answered(404, 'Not Found')).code).toBe('not_found')
    expect(asGitHubError(answered(422, 'Validation Failed')).code).toBe('github_refused')
    expect(asGitHubError(answered(503, 'Unavailable')).code).toBe('github_unavailable')
  })
})
