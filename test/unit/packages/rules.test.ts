import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readDependencies } from '../../../src/packages/dependencies-file.ts'
import { fullNameOfUrl, parseFullName, withoutProtocol } from '../../../src/packages/full-name.ts'
import { planPackages } from '../../../src/packages/plan-packages.ts'
import { isTagName } from '../../../src/packages/tag-name.ts'
import { isPreRelease, versionSortKey } from '../../../src/packages/version-order.ts'
import type { PackageConfig } from '../../../src/config/repository-config.ts'

const limits = { memoryBytes: 2 ** 30, cpus: 1, pids: 100, timeoutMs: 60_000, logBytes: 1_000_000 }
const lib: PackageConfig = {
  key: 'lib',
  tags: ['v*', '[0-9]*'],
  matrix: { axes: { erl_version: ['24', '25'] }, exclude: [], failFast: false },
  image: 'erlang:${erl_version}',
  commands: ['make'],
  artifact: '*.ep',
  network: 'none',
  fetch: [],
  timeoutMs: 900_000,
  resources: { memoryBytes: 2 ** 31, cpus: 2, pids: 50 },
  dependencies: null,
  notify: { email: true },
}
const subject = { owner: 'acme', repository: 'lib', tag: 'v1' }

describe('a tag', () => {
  it('asks for one build per axis value, with the value in the image and in the name of its check', () => {
    const { builds } = planPackages(subject, { lib }, { limits })
    expect(builds.map((one) => [one.checkName, one.plan.image])).toEqual([
      ['package/lib@v1 (erl_version=24)', 'erlang:24'],
      ['package/lib@v1 (erl_version=25)', 'erlang:25'],
    ])
  })

  it('asks for nothing when no pattern matches, and for everything a person names', () => {
    expect(planPackages({ ...subject, tag: 'nightly' }, { lib }, { limits }).builds).toEqual([])
    const chosen = planPackages(
      { ...subject, tag: 'nightly' },
      { lib },
      { limits, choice: { package: 'lib', axes: { erl_version: '25' } } },
    )
    expect(chosen.builds.map((one) => one.plan.variant)).toEqual(['erl_version=25'])
  })

  it('never gets more than the admin allows', () => {
    const [build] = planPackages(subject, { lib }, { limits }).builds
    expect(build?.plan.resources).toEqual({ memoryBytes: 2 ** 30, cpus: 1, pids: 50 })
    expect(build?.plan.timeoutMs).toBe(60_000)
  })

  it.each(['1.0.0', 'v1', 'release/1', '$(reboot)', "a'b", 'ä', '1.0.0+x'])('%s is a name that git takes', (name) => {
    expect(isTagName(name)).toBe(true)
  })

  it.each([
    '',
    '../../x',
    'x..y',
    '-x',
    '/x',
    'x/',
    'a//b',
    '.x',
    'a/.b',
    'x.lock',
    'a b',
    'a\nb',
    'a~1',
    'a:b',
    '@',
    'a@{1}',
    'x'.repeat(256),
    'a\0b',
  ])('%j is none', (name) => {
    expect(isTagName(name)).toBe(false)
  })
})

describe('the order of versions', () => {
  it('is that of semver, whatever stands before the number', () => {
    const inOrder = [
      'nightly',
      '0.9',
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      'v1.0.0',
      '1.9.0',
      'lib-1.10.0',
      'release/2',
    ]
    expect(inOrder.toReversed().toSorted((a, b) => (versionSortKey(a) < versionSortKey(b) ? -1 : 1))).toEqual(inOrder)
    expect(inOrder.filter(isPreRelease)).toEqual(inOrder.slice(2, 9))
  })

  it('takes any text without failing', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof versionSortKey(text) === 'string'))
  })
})

describe('names and addresses', () => {
  it('takes the first two parts of a full name and refuses what could be a path', () => {
    expect(parseFullName('acme/lib/more')).toEqual({ owner: 'acme', name: 'lib' })
    for (const wrong of ['lib', '/lib', 'acme/', '../lib', 'acme/..', 'a b/c', ''])
      expect(parseFullName(wrong)).toBeNull()
  })

  it('knows one repository by all its addresses', () => {
    for (const url of [
      'https://github.com/acme/lib.git',
      'https://x:y@github.com/acme/lib',
      'git@github.com:acme/lib.git',
      'http://127.0.0.1:9000/acme/lib/',
    ]) {
      expect(fullNameOfUrl(url)).toEqual({ owner: 'acme', name: 'lib' })
    }
    expect(withoutProtocol('https://github.com/acme/lib.git')).toBe('github.com/acme/lib')
    expect(fullNameOfUrl('acme/lib')).toBeNull()
  })
})

describe('the dependencies of a package', () => {
  it('are the tagged ones of its configuration, by full name or address, once each', () => {
    const deps = [
      { name: 'a', fullname: 'acme/a', tag: '1.0.0' },
      { name: 'b', url: 'https://github.com/acme/b.git', tag: 'v2' },
      { name: 'a', fullname: 'Acme/A', tag: '1.0.0' },
      { name: 'c', fullname: 'acme/c', branch: 'master' },
      { name: 'd', fullname: '../d', tag: '1' },
      { name: 'e', fullname: 'acme/e', tag: '../../x' },
      'nonsense',
    ]
    expect(readDependencies(JSON.stringify({ deps })).map((one) => `${one.owner}/${one.name}@${one.tag}`)).toEqual([
      'Acme/A@1.0.0',
      'acme/b@v2',
    ])
  })

  it.each(['', '{', '[]', 'null', '{"deps": 7}'])('are none in %j', (text) => {
    expect(readDependencies(text)).toEqual([])
  })
})
