/**
 * Check runs: made, changed, listed, asked again.
 *
 * Every change adds a moment to the run's history. What GitHub lets pass but contributors suffer from (a finished run
 * opened again, two runs for one attempt) is noted in the report.
 */
import { commitOfRef } from '../../world/find-repository.ts'
import type { Json, JsonObject } from '../../json.ts'
import { child, isObject, list, text } from '../../json.ts'
import { presentAnnotation, presentCheckRun, runsOf } from '../../present/check.ts'
import { announceRun, ensureSuite } from '../../webhooks/check-events.ts'
import { recordProblem } from '../../world/record-problem.ts'
import type { CheckRun, CheckRunMoment } from '../../world/reports.ts'
import type { World } from '../../world/world.ts'
import { notFound, ok, unprocessable } from '../answer.ts'
import type { Call, Handler } from '../call.ts'
import { pathNumber, pathText, theCommit, theRepository } from '../call.ts'
import { countedAnswer, listAnswer } from '../page-list.ts'
import { actor } from './git.ts'

/** Of one annotation's message and details. Bytes. */
const maxAnnotationText = 64 * 1024

export const checkRunOperations = {
  'checks/create': async (call) => {
    const { world, body } = call
    const repository = theRepository(call)
    const commit = await theCommit(call, text(body, 'head_sha') ?? '')
    const name = text(body, 'name') ?? ''
    const externalId = text(body, 'external_id') ?? null
    checkOutput(call)
    const twin = [...world.checkRuns.values()].find(
      (run) =>
        run.repositoryId === repository.id &&
        run.headSha === commit.sha &&
        run.name === name &&
        (run.externalId ?? '') === (externalId ?? ''),
    )
    if (twin !== undefined)
      recordProblem(
        world,
        'duplicate-check',
        `${name} on ${commit.sha} with external id ${externalId ?? '(none)'} exists already`,
        'checks/create',
      )
    const branch = [...repository.refs].find(
      ([ref, { commit: head }]) => ref.startsWith('refs/heads/') && head === commit.sha,
    )?.[0]
    const { suite } = ensureSuite(world, repository, {
      sha: commit.sha,
      branch: branch?.slice('refs/heads/'.length) ?? null,
      before: null,
    })
    const run: CheckRun = {
      id: world.nextId(),
      suiteId: suite.id,
      repositoryId: repository.id,
      headSha: commit.sha,
      name,
      externalId,
      detailsUrl: null,
      status: 'queued',
      conclusion: null,
      startedAt: world.now().toISOString(),
      completedAt: null,
      title: null,
      summary: null,
      text: null,
      annotations: [],
      actions: [],
      history: [],
    }
    change(world, run, body, 'create')
    world.checkRuns.set(run.id, run)
    announceRun(world, repository, run, 'created', actor(call))
    if (run.status === 'completed') announceRun(world, repository, run, 'completed', actor(call))
    return ok(presentCheckRun(world, repository, run), 201)
  },
  'checks/update': (call) => {
    const run = theRun(call)
    const wasCompleted = run.status === 'completed'
    checkOutput(call)
    const asked = text(call.body, 'status')
    if (wasCompleted && asked !== undefined && asked !== 'completed') {
      recordProblem(
        call.world,
        'lifecycle',
        `${run.name} on ${run.headSha} was completed and is asked to be ${asked} again`,
        'checks/update',
      )
    }
    change(call.world, run, call.body, 'update')
    if (run.status === 'completed' && !wasCompleted)
      announceRun(call.world, theRepository(call), run, 'completed', actor(call))
    return ok(presentCheckRun(call.world, theRepository(call), run))
  },
  'checks/get': (call) => ok(presentCheckRun(call.world, theRepository(call), theRun(call))),
  'checks/list-annotations': (call) => {
    const run = theRun(call)
    return listAnswer(call, run.annotations, (annotation) =>
      presentAnnotation(call.world, theRepository(call), run, annotation),
    )
  },
  'checks/rerequest-run': (call) => {
    announceRun(call.world, theRepository(call), theRun(call), 'rerequested', actor(call))
    return ok({}, 201)
  },
  'checks/list-for-ref': async (call) => {
    const repository = theRepository(call)
    const ref = pathText(call, 'ref')
    const sha = commitOfRef(repository, ref) ?? (await theCommit(call, ref)).sha
    const suites = [...call.world.checkSuites.values()].filter(
      (suite) => suite.repositoryId === repository.id && suite.headSha === sha,
    )
    return listRuns(
      call,
      suites.map(({ id }) => id),
    )
  },
  'checks/list-for-suite': (call) => listRuns(call, [pathNumber(call, 'check_suite_id')]),
} satisfies Record<string, Handler>

function listRuns(call: Call, suiteIds: readonly number[]) {
  const { world, query } = call
  const repository = theRepository(call)
  const all = [...world.checkRuns.values()].filter(
    (run) => run.repositoryId === repository.id && suiteIds.includes(run.suiteId),
  )
  const newest = suiteIds.flatMap((id) => world.checkSuites.get(id) ?? []).flatMap((suite) => runsOf(world, suite))
  const shown = (query['filter'] === 'all' ? all : newest).filter(
    (run) =>
      (query['check_name'] === undefined || run.name === query['check_name']) &&
      (query['status'] === undefined || run.status === query['status']) &&
      (query['app_id'] === undefined || Number(query['app_id']) === world.app.id),
  )
  return countedAnswer(call, 'check_runs', shown.toReversed(), (run) => presentCheckRun(world, repository, run))
}

function theRun(call: Call): CheckRun {
  const run = call.world.checkRuns.get(pathNumber(call, 'check_run_id'))
  if (run === undefined || run.repositoryId !== theRepository(call).id) throw notFound()
  return run
}

/** The limits that the published schema leaves out. */
function checkOutput({ world, body, operation }: Call): void {
  const broken: string[] = []
  for (const annotation of objects(list(child(body, 'output') ?? {}, 'annotations'))) {
    const oneLine = annotation['start_line'] === annotation['end_line']
    if (!oneLine && (annotation['start_column'] !== undefined || annotation['end_column'] !== undefined))
      broken.push('columns are only allowed where start_line and end_line are the same')
    const tooLong = ['message', 'raw_details'].find(
      (key) => Buffer.byteLength(text(annotation, key) ?? '') > maxAnnotationText,
    )
    if (tooLong !== undefined) broken.push(`the ${tooLong} of an annotation has more than 64 KB`)
  }
  if (text(body, 'status') === 'completed' && text(body, 'conclusion') === undefined)
    broken.push('a completed check run needs a conclusion')
  if (broken.length === 0) return
  recordProblem(world, 'limits', `${operation.id}: ${broken.join('; ')}`, operation.id)
  throw unprocessable('Validation Failed', broken)
}

function change(world: World, run: CheckRun, body: JsonObject, by: CheckRunMoment['by']): void {
  const output = child(body, 'output')
  const conclusion = text(body, 'conclusion')
  const status = conclusion === undefined ? text(body, 'status') : 'completed'
  run.name = text(body, 'name') ?? run.name
  run.externalId = text(body, 'external_id') ?? run.externalId
  run.detailsUrl = text(body, 'details_url') ?? run.detailsUrl
  run.startedAt = text(body, 'started_at') ?? run.startedAt
  // A completed run stays completed: people see a re-run only as a new run of the same name.
  if (status !== undefined && run.status !== 'completed') run.status = status
  if (run.status === 'completed') {
    run.conclusion = conclusion ?? run.conclusion
    run.completedAt = text(body, 'completed_at') ?? run.completedAt ?? world.now().toISOString()
  }
  if (output !== undefined) {
    run.title = text(output, 'title') ?? run.title
    run.summary = text(output, 'summary') ?? null
    run.text = text(output, 'text') ?? null
    run.annotations.push(...objects(list(output, 'annotations')))
  }
  const actions = list(body, 'actions')
  if (actions !== undefined) run.actions = objects(actions)
  run.history.push({
    at: world.now().toISOString(),
    by,
    status: run.status,
    conclusion: run.conclusion,
    title: run.title,
    summary: run.summary,
    annotations: run.annotations.length,
    actions: run.actions.map((action) => text(action, 'identifier') ?? ''),
  })
}

function objects(values: readonly Json[] | undefined): JsonObject[] {
  return (values ?? []).filter(isObject)
}
