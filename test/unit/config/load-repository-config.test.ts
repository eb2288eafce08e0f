import { afterAll, expect, test } from 'vitest'
import { formatProblem } from '../../../src/config/config-problem.ts'
import { loadRepositoryConfig, type LoadResult } from '../../../src/config/load-repository-config.ts'
import { createYamlParser } from '../../../src/config/yaml-parser.ts'

const yaml = createYamlParser()
afterAll(() => yaml.close())

/** Keys are `owner/name:path`, with `@ref` where the file is asked for at one. */
function load(files: Readonly<Record<string, string>>): Promise<LoadResult> {
  const readFile = async (
    repository: { owner: string; name: string },
    path: string,
    ref: string | null,
  ): Promise<string | null> =>
    files[`${repository.owner}/${repository.name}:${path}${ref === null ? '' : `@${ref}`}`] ?? null
  return loadRepositoryConfig({ yaml, readFile }, { owner: 'acme', name: 'web' }, 'sha1')
}

const OWN = 'acme/web:.github/slipway.yml@sha1'
const SHARED = 'acme/.github:.github/slipway.yml'
const DEFAULTS = 'acme/defaults:.github/slipway.yml'

const linesOf = (result: LoadResult): readonly string[] => result.problems.map(formatProblem)

test('a repository without any file is absent', async () => {
  expect(await load({})).toEqual({ kind: 'absent', problems: [] })
})

test('the file is read at the asked commit', async () => {
  expect(await load({ [OWN]: 'images: {web: {}}' })).toMatchObject({
    kind: 'ok',
    config: { images: { web: { key: 'web' } } },
  })
})

test("without a file of its own a repository gets its owner's", async () => {
  expect(await load({ [SHARED]: 'images: {all: {}}' })).toMatchObject({ kind: 'ok', config: { images: { all: {} } } })
})

test('top-level keys merge and the nearer file wins', async () => {
  const result = await load({
    [OWN]: '_extends: defaults\nimages: {own: {}}',
    [DEFAULTS]: 'images: {theirs: {}}\nnotify: {slack: false}',
  })
  expect(result).toMatchObject({ kind: 'ok', config: { notify: { slack: false } } })
  expect(result.kind === 'ok' && Object.keys(result.config.images)).toEqual(['own'])
})

test('a chain of files, by owner and by path', async () => {
  const result = await load({
    [OWN]: '_extends: other/base',
    'other/base:.github/slipway.yml': '_extends: .github:ci/more.yml\nimages: {a: {}}',
    'other/.github:ci/more.yml': 'notify: {slack: false}',
  })
  expect(result).toMatchObject({ kind: 'ok', config: { images: { a: {} }, notify: { slack: false } } })
})

test('a problem names the file it is in', async () => {
  const result = await load({ [OWN]: '_extends: defaults\nversion: 2', [DEFAULTS]: '\nimages:\n  web: {dockerfle: x}' })
  expect(linesOf(result)).toEqual([
    '.github/slipway.yml:2:10: version: the only version is 1',
    'acme/defaults:.github/slipway.yml:3:9: images.web.dockerfle: unknown key (did you mean `dockerfile`?)',
  ])
})

test('a syntax error of an extended file is told as its own', async () => {
  const result = await load({ [OWN]: '_extends: defaults', [DEFAULTS]: 'images: [' })
  expect(linesOf(result)[0]).toMatch(/^acme\/defaults:\.github\/slipway\.yml:1:\d+: /)
})

test.each([
  [
    'files that extend each other',
    { [OWN]: '_extends: defaults', [DEFAULTS]: '_extends: Web\n', 'acme/Web:.github/slipway.yml': '' },
    /acme\/defaults.*:1:11: _extends: acme\/Web.* extends itself/,
  ],
  [
    'a file that cannot be read',
    { [OWN]: '_extends: nowhere' },
    /^\.github\/slipway\.yml:1:11: _extends: acme\/nowhere.* cannot be read/,
  ],
  ['an address that is none', { [OWN]: '_extends: ../../etc' }, /_extends does not name a file/],
  ['a path outside the repository', { [OWN]: '_extends: "defaults:../x.yml"' }, /_extends does not name a file/],
  ['a list of files', { [OWN]: '_extends: [defaults]' }, /_extends does not name a file/],
])('%s', async (_, files, message) => {
  expect(linesOf(await load(files))[0]).toMatch(message)
})

test('a chain ends after five files', async () => {
  const files = Object.fromEntries(
    [1, 2, 3, 4, 5].map((at) => [`acme/d${at}:.github/slipway.yml`, `_extends: d${at + 1}`]),
  )
  expect(linesOf(await load({ [OWN]: '_extends: d1', ...files }))[0]).toMatch(/more than 5 files extend each other/)
})
