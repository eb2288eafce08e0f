import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../../../src/config/repository-policy.ts'
import { createYamlParser } from '../../../src/config/yaml-parser.ts'
import { parseRepositoryConfig } from '../../../src/config/parse-repository-config.ts'
import type { PipelineConfig } from '../../../src/config/repository-config.ts'
import type { Run } from '../../../src/core/run.ts'
import { checkInputs, dueSchedules, planPipeline, planSettlements, sentence } from '../../../src/pipeline/index.ts'
import type { PipelinePlan, PipelineSource } from '../../../src/pipeline/index.ts'

const yaml = createYamlParser()

async function pipelineOf(text: string): Promise<PipelineConfig> {
  const result = await parseRepositoryConfig(
    yaml,
    `version: 1\npipeline:\n${text.replaceAll(/^/gm, '  ')}`,
    'slipway.yml',
  )
  if (result.kind !== 'ok' || result.config.pipeline === null) throw new Error(JSON.stringify(result))
  return result.config.pipeline
}

const PUSH: PipelineSource = {
  event: 'push',
  trust: 'trusted',
  ref: 'refs/heads/main',
  branch: 'main',
  tag: null,
  pullRequest: null,
  actor: 'mona',
  baseBranch: null,
  cron: null,
  inputs: {},
  defaultBranch: 'main',
  changedFiles: ['src/a.ts', 'docs/b.md'],
  message: 'work',
}

async function planned(text: string, source: Partial<PipelineSource> = {}): Promise<PipelinePlan> {
  const pipeline = await pipelineOf(text)
  return planPipeline({
    pipeline,
    source: { ...PUSH, ...source },
    limits: defaultLimits(),
    host: 'default',
    useCache: true,
  })
}

const summary = (plan: PipelinePlan): unknown =>
  plan.kind === 'silent'
    ? sentence(plan.why)
    : plan.stages.map((stage) => (stage.kind === 'run' ? stage.name : `${stage.name}: ${stage.words}`))

const STEPS = 'image: busybox\n    steps: [{commands: ["true"]}]'

describe('planning a pipeline', () => {
  it('runs a stage for each combination of its matrix and fills the axes in', async () => {
    const plan = await planned(`on: {push: {}}
stages:
  test:
    image: node:\${node}
    matrix: {axes: {node: ["20", "22"], os: [a, b]}, exclude: [{node: "20", os: b}]}
    env: {V: "\${node}-\${os}"}
    steps: [{name: "unit \${node}", commands: ["true"]}]`)
    expect(summary(plan)).toEqual([
      'pipeline/test (node=20, os=a)',
      'pipeline/test (node=22, os=a)',
      'pipeline/test (node=22, os=b)',
    ])
    const last = plan.kind === 'stages' ? plan.stages[2] : undefined
    expect(last?.kind === 'run' && last.plan.config).toMatchObject({
      env: { V: '22-b' },
      steps: [{ name: 'unit 22', image: 'node:22' }],
    })
  })

  it('says why a stage is skipped', async () => {
    const text = `on: {push: {}, pull_request: {}}
stages:
  docs: {when: [{paths: ["docs/**"]}], ${STEPS.replace('\n    ', ', ')}}
  code: {when: [{event: [pull_request]}, {branch: ["live"]}], ${STEPS.replace('\n    ', ', ')}}
  api: {when: [{paths: ["api/**"]}], ${STEPS.replace('\n    ', ', ')}}`
    expect(summary(await planned(text))).toEqual([
      'pipeline/docs',
      'pipeline/code: event push is not pull_request; branch main does not match live',
      'pipeline/api: no changed file matches api/**',
    ])
    expect(summary(await planned(text, { changedFiles: null }))).toContain('pipeline/api')
  })

  it('skips what the commit message says, except for tags and starts by hand', async () => {
    const text = `on: {push: {}, tag: {}, manual: {}}\nstages:\n  test:\n    ${STEPS}`
    expect(summary(await planned(text, { message: 'fix\n\n[CI SKIP]' }))).toEqual([
      'pipeline/test: the commit message says [ci skip]',
    ])
    expect(summary(await planned(text, { event: 'tag', tag: 'v1', branch: null, message: '[skip ci]' }))).toEqual([
      'pipeline/test',
    ])
    expect(summary(await planned(text, { event: 'manual', message: '[skip ci]' }))).toEqual(['pipeline/test'])
  })

  it('is silent about events it does not name', async () => {
    const text = `on: {push: {branches: ["release/**"]}}\nstages:\n  test:\n    ${STEPS}`
    expect(summary(await planned(text))).toBe('branch main does not match release/**')
    expect(summary(await planned(text, { event: 'tag', tag: 'v1' }))).toBe('the pipeline has no on.tag')
    expect(summary(await planned(text, { branch: 'release/1' }))).toEqual(['pipeline/test'])
  })

  it('lets a pull request read the base cache and write its own', async () => {
    const plan = await planned(`on: {pull_request: {}}\nstages:\n  test:\n    ${STEPS}`, {
      event: 'pull_request',
      pullRequest: 7,
      branch: 'topic',
      baseBranch: 'main',
    })
    const stage = plan.kind === 'stages' ? plan.stages[0] : undefined
    expect(stage?.kind === 'run' && stage.plan.cacheScopes).toEqual({
      write: 'pull:7',
      read: ['pull:7', 'branch:main'],
    })
  })

  it('never gives more than the admin allows', async () => {
    const pipeline = await pipelineOf(
      `on: {push: {}}\nstages:\n  test:\n    ${STEPS}\n    timeout: 50m\n    resources: {memory: 8g, cpus: 8, pids: 9999}`,
    )
    const limits = { ...defaultLimits(), timeoutMs: 60_000, memoryBytes: 1024, cpus: 1, pids: 5 }
    const plan = planPipeline({ pipeline, source: PUSH, limits, host: 'default', useCache: true })
    const stage = plan.kind === 'stages' ? plan.stages[0] : undefined
    expect(stage?.kind === 'run' && stage.plan.config).toMatchObject({
      timeoutMs: 60_000,
      resources: { memoryBytes: 1024, cpus: 1, pids: 5 },
    })
  })
})

describe('inputs of a manual start', () => {
  const declared = {
    level: { key: 'level', description: null, default: 'low', required: false, options: ['low', 'high'] },
    name: { key: 'name', description: null, default: null, required: true, options: null },
  }
  it('are taken when they are declared, with defaults filled in', () => {
    expect(checkInputs(declared, { name: 5 })).toEqual({ kind: 'inputs', values: { level: 'low', name: '5' } })
  })
  it.each([
    [{}, 'name is required'],
    [{ name: 'x', level: 'mid' }, 'level must be one of low, high'],
    [{ name: 'x', PATH: '/evil' }, 'PATH is not an input of this pipeline'],
    [{ name: { toString: 'x' } }, 'name must be a text, a number or true/false'],
    [{ name: 'x', constructor: 'y' }, 'constructor is not an input of this pipeline'],
  ])('are refused otherwise: %j', (given, message) => {
    expect(checkInputs(declared, given)).toMatchObject({ kind: 'invalid', problems: [{ message }] })
  })
})

describe('schedules', () => {
  const nightly = { cron: '0 3 * * *', branch: 'main', tz: 'UTC' }
  const at = (text: string): number => Date.parse(text)
  it('come due once, at their newest time', () => {
    expect(dueSchedules([nightly], at('2026-03-01T02:59:00Z'), at('2026-03-01T03:00:00Z'))).toEqual([
      { schedule: nightly, at: at('2026-03-01T03:00:00Z') },
    ])
    expect(dueSchedules([nightly], at('2026-03-01T03:00:00Z'), at('2026-03-01T23:00:00Z'))).toEqual([])
    expect(
      dueSchedules([{ ...nightly, cron: '*/5 * * * *' }], at('2026-03-01T03:01:00Z'), at('2026-03-01T03:22:00Z')),
    ).toMatchObject([{ at: at('2026-03-01T03:20:00Z') }])
  })
  it('are not made up for after a long absence', () => {
    expect(
      dueSchedules([{ ...nightly, cron: '0 3 1 1 *' }], at('2026-01-01T00:00:00Z'), at('2026-03-01T00:00:00Z')),
    ).toEqual([])
  })
})

describe('the stages of a group', () => {
  const run = (
    stage: string,
    more: Partial<Run> & { dependsOn?: readonly string[]; failFast?: boolean } = {},
  ): Run => ({
    id: `${stage}-${more.name ?? ''}`,
    repositoryId: 1,
    sha: 'a',
    attempt: 1,
    kind: 'stage',
    state: 'queued',
    conclusion: null,
    reason: null,
    source: PUSH,
    groupId: 'g',
    supersedeKey: null,
    result: null,
    timeoutMs: 1,
    cancelRequestedAt: null,
    cancelReason: null,
    createdAt: new Date(0),
    startedAt: null,
    completedAt: null,
    ...more,
    name: more.name ?? `pipeline/${stage}`,
    plan: {
      format: 1,
      stage,
      dependsOn: more.dependsOn ?? [],
      config: { matrix: more.failFast === true ? { failFast: true } : null },
    },
  })
  const kinds = (runs: readonly Run[]): string[] =>
    planSettlements(runs).map((one) => `${one.kind} ${one.run.name}: ${one.why}`)

  it('start when everything before them has ended well', () => {
    const deploy = run('deploy', { dependsOn: ['test', 'lint'] })
    const test = run('test', { state: 'completed', conclusion: 'success' })
    expect(kinds([deploy, test, run('lint', { state: 'in_progress' })])).toEqual([])
    expect(kinds([deploy, test, run('lint', { state: 'completed', conclusion: 'neutral' })])).toEqual([
      'release pipeline/deploy: test, lint ended well',
    ])
    expect(
      kinds([deploy, test, run('lint', { state: 'completed', conclusion: 'skipped', reason: 'skipped' })]),
    ).toEqual(['release pipeline/deploy: test, lint ended well'])
  })

  it('are skipped when something before them failed, or was skipped for that reason', () => {
    const failed = run('test', { state: 'completed', conclusion: 'failure' })
    expect(kinds([failed, run('deploy', { dependsOn: ['test'] })])).toEqual([
      'skip pipeline/deploy: pipeline/test failed',
    ])
    const skipped = run('deploy', {
      state: 'completed',
      conclusion: 'skipped',
      reason: 'dependency',
      dependsOn: ['test'],
    })
    expect(kinds([failed, skipped, run('notify', { dependsOn: ['deploy'] })])).toEqual([
      'skip pipeline/notify: pipeline/deploy was skipped',
    ])
  })

  it('count by the newest attempt', () => {
    const first = run('test', { state: 'completed', conclusion: 'failure' })
    const second = run('test', { attempt: 2, state: 'completed', conclusion: 'success' })
    expect(kinds([first, second, run('deploy', { dependsOn: ['test'] })])).toEqual([
      'release pipeline/deploy: test ended well',
    ])
  })

  it('of one matrix end together when one fails and the file says so', () => {
    const failed = run('test', {
      name: 'pipeline/test (n=1)',
      state: 'completed',
      conclusion: 'failure',
      failFast: true,
    })
    const other = run('test', { name: 'pipeline/test (n=2)', state: 'in_progress', failFast: true })
    expect(kinds([failed, other])).toEqual(['cancel pipeline/test (n=2): pipeline/test (n=1) failed'])
  })
})
