/**
 * Repositories that mean harm: names, messages, paths and files made to break out, to blow up or to be taken for ours.
 * Each ends in a check that says something clear, and the process is the same one at the end.
 */
import { existsSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FileWish } from '../../src/simulate/control-shapes.ts'
import { startSlipway, type SlipwayUnderTest } from '../support/slipway.ts'

const CONFIG = 'version: 1\nimages:\n  web: {}\n'
const QUICK = 'FROM busybox\nRUN true\n'
const REPOSITORY = 'acme/hostile'
const PATIENCE_MS = 90_000
const SYMLINK = '120000'

let slipway: SlipwayUnderTest
let marker: string
beforeAll(async () => {
  slipway = await startSlipway()
  marker = join(tmpdir(), `slipway-hostile-${randomUUID()}`)
  const files = { '.github/slipway.yml': CONFIG, Dockerfile: QUICK }
  await slipway.github.createRepository({ owner: 'acme', name: 'hostile', files })
})
afterAll(async () => {
  await slipway.close()
})

async function check(
  branch: string,
  files: Readonly<Record<string, FileWish>>,
  name = 'deployability',
  message?: string,
) {
  const { github } = slipway
  const sha = await github.commit(REPOSITORY, { branch, files, ...(message === undefined ? {} : { message }) })
  return await github.completedCheck(REPOSITORY, sha, name, PATIENCE_MS)
}

describe('branches with names made to break out', () => {
  it('are built like any other', async () => {
    const names = [
      `x$(touch\${IFS}${marker.replaceAll('/', '_')})`,
      'x`id`',
      '--upload-pack=touch',
      `it's-"quoted"`,
      '<script>alert(1)</script>',
      '🚀/ünïcödé',
      '%2e%2e/%00',
      `long/${'x'.repeat(200)}`,
    ]
    const ends = await Promise.all(names.map((name) => check(name, { 'hostile.txt': randomUUID() })))
    expect(ends.map(({ conclusion }) => conclusion)).toEqual(names.map(() => 'success'))
    expect(existsSync(marker)).toBe(false)
  })
})

describe('what a step prints', () => {
  it('cannot keep a run from ending: NUL, colours, half characters, fences and mentions', async () => {
    const dockerfile = [
      'FROM busybox',
      String.raw`RUN printf 'a\000b \033[31mred\033[0m \355\240\275 \360\237\n@everyone </details> ${'```'}\n' && exit 9`,
      '',
    ].join('\n')
    const ended = await check('prints', { Dockerfile: dockerfile })
    expect(ended).toMatchObject({ conclusion: 'failure', annotations: [{ path: 'Dockerfile', start_line: 2 }] })
    expect(ended.output.title).toContain('Dockerfile:2')
    expect(ended.output.summary).not.toContain('\u001B')
  })

  it('and what a commit says does not matter to its check', async () => {
    const ended = await check('says', { says: '1' }, 'deployability', 'x\u001B[2J\u0007 $(id) [skip ci] <b>@acme</b> ☃')
    expect(ended.conclusion).toBe('success')
  })
})

describe('a Dockerfile', () => {
  it.each([
    ['above the repository', '../../../../etc/passwd', {}],
    ['at an absolute path', '/etc/passwd', {}],
    [
      'that is a link out of the repository',
      'Outside',
      { Outside: { text: '../../../../../etc/passwd', mode: SYMLINK } },
    ],
    ['that is not there', 'Missing', {}],
  ] as const)('%s is refused with words, and nothing of the server is read', async (words, path, files) => {
    const config = `version: 1\nimages:\n  web: {dockerfile: ${JSON.stringify(path)}}\n`
    const sha = await slipway.github.commit(REPOSITORY, {
      branch: `dockerfile ${words}`.replaceAll(/[^a-z]+/g, '-'),
      files: { '.github/slipway.yml': config, ...files },
    })
    const ended = await slipway.github.waitFor(
      async () => (await slipway.github.checkRuns(REPOSITORY, sha)).find((run) => run.status === 'completed'),
      { timeout: PATIENCE_MS, what: 'an ended check' },
    )
    expect(ended.conclusion).toBe('failure')
    expect(JSON.stringify(ended)).not.toContain('root:x:')
  })
})

describe('a slipway.yml', () => {
  const nested = `version: 1\nimages: ${'['.repeat(900)}${']'.repeat(900)}\n`
  const bomb = `version: 1\na: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
    .split('')
    .map((key, n) => `${key}: &${key} [${Array.from({ length: 10 }, () => `*${'abcdefghij'[n]}`).join(',')}]`)
    .join('\n')}\n`
  it.each([
    ['900 levels deep', nested],
    ['of 10 MB', `version: 1\n# ${'x'.repeat(10 * 1024 * 1024)}\n`],
    ['that is a bomb of aliases', bomb],
    ['that is no UTF-8', { base64: Buffer.from([0x76, 0x3a, 0x20, 0xff, 0xfe, 0x00, 0x0a]).toString('base64') }],
    ['with a prototype', 'version: 1\n__proto__: {polluted: true}\nconstructor: {prototype: {polluted: true}}\n'],
    ['that is a link', { text: '../../../../etc/passwd', mode: SYMLINK }],
  ] satisfies readonly (readonly [string, FileWish])[])('%s is refused with words', async (words, file) => {
    const ended = await check(
      `config-${words.replaceAll(/[^a-z0-9]+/g, '-')}`,
      { '.github/slipway.yml': file },
      'slipway',
    )
    expect(ended.conclusion).toBe('failure')
    expect(ended.output.title).toContain('.github/slipway.yml')
    expect(JSON.stringify(ended)).not.toContain('root:x:')
  })

  it('that is a folder is refused with words', async () => {
    const files = { '.github/slipway.yml': null, '.github/slipway.yml/inner.yml': CONFIG }
    const ended = await check('config-folder', files, 'slipway')
    expect(ended.conclusion).toBe('failure')
  })
})

describe('after all of it', () => {
  it('the process is the same one and GitHub’s rules were kept', async () => {
    expect((await fetch(`${slipway.url}/healthz`)).status).toBe(200)
    expect(slipway.process().output()).not.toMatch(/unhandled|uncaught|FATAL/i)
    expect(existsSync(marker)).toBe(false)
    expect((await slipway.github.report()).problems).toEqual([])
  })
})
