/** What contributors see: a repository, a commit with its checks, a pull request. Undefined for any other path. */
import { findCommit } from '../git/commits.ts'
import { text } from '../json.ts'
import type { JsonObject } from '../json.ts'
import type { Answer } from '../rest/answer.ts'
import { findRepository, fullName } from '../world/find-repository.ts'
import type { Repository } from '../world/repositories.ts'
import type { CheckRun } from '../world/reports.ts'
import type { World } from '../world/world.ts'
import type { Markup } from './html.ts'
import { html, page } from './html.ts'

const route = /^\/([^/]+)\/([^/]+)(?:\/(commit|pull|runs)\/([^/]+))?\/?$/

/** Ours are also the names of REST paths, which start with one of these. */
const restFolders = new Set([
  'app',
  'apps',
  'app-manifests',
  'installation',
  'orgs',
  'repos',
  'repositories',
  'users',
  'user',
  'rate_limit',
])

export async function servePage(world: World, url: URL): Promise<Answer | undefined> {
  if (url.pathname === '/') return home(world)
  const [, owner = '', name = '', kind, id = ''] = route.exec(decodeURI(url.pathname)) ?? []
  if (owner === '' || restFolders.has(owner)) return undefined
  const repository = findRepository(world, owner, name)
  if (repository === undefined) return undefined
  switch (kind) {
    case 'commit':
      return commitPage(world, repository, id)
    case 'pull':
      return pullPage(world, repository, Number(id))
    case 'runs': {
      const run = world.checkRuns.get(Number(id))
      return run === undefined
        ? undefined
        : page(200, `${run.name} · ${fullName(world, repository)}`, showRun(run, true))
    }
    default:
      return repositoryPage(world, repository)
  }
}

function home(world: World): Answer {
  const items = [...world.repositories.values()]
    .filter(({ deleted }) => !deleted)
    .map(
      (repository) =>
        html`<li>
          <a href="/${fullName(world, repository)}">${fullName(world, repository)}</a>
          ${repository.private ? '(private)' : ''}
        </li>`,
    )
  return page(
    200,
    'Repositories',
    html`<ul>
      ${items}
    </ul>`,
  )
}

function repositoryPage(world: World, repository: Repository): Answer {
  const here = `/${fullName(world, repository)}`
  const refs = [...repository.refs].filter(([name]) => /^refs\/(heads|tags)\//.test(name))
  const rows = refs.map(
    ([name, { commit }]) =>
      html`<tr>
        <td><code>${name}</code></td>
        <td>
          <a href="${here}/commit/${commit}"><code>${commit.slice(0, 10)}</code></a>
        </td>
        <td>${showChecks(checksOf(world, repository, commit))}</td>
      </tr>`,
  )
  const pulls = world.pullRequests
    .filter(({ repositoryId }) => repositoryId === repository.id)
    .map(
      (pull) =>
        html`<tr>
          <td><a href="${here}/pull/${pull.number}">#${pull.number}</a></td>
          <td>${pull.title}</td>
          <td>${pull.merged ? 'merged' : pull.state}</td>
          <td>${showChecks(checksOf(world, repository, pull.headSha))}</td>
        </tr>`,
    )
  return page(
    200,
    fullName(world, repository),
    html`<h2>Branches and tags</h2>
      <table>
        ${rows}
      </table>
      <h2>Pull requests</h2>
      <table>
        ${pulls}
      </table>
      <h2>Deployments</h2>
      ${showDeployments(world, repository)}`,
  )
}

async function commitPage(world: World, repository: Repository, sha: string): Promise<Answer | undefined> {
  const commit = await findCommit(repository, sha)
  if (commit === undefined) return undefined
  const runs = checksOf(world, repository, commit.sha)
  const statuses = world.statuses
    .filter((status) => status.repositoryId === repository.id && status.sha === commit.sha)
    .map(
      (status) =>
        html`<li>
          <span class="${status.state}">${status.state}</span> ${status.context}: ${status.description ?? ''}
        </li>`,
    )
  return page(
    200,
    `${commit.sha.slice(0, 10)} · ${fullName(world, repository)}`,
    html`<p><a href="/${fullName(world, repository)}">${fullName(world, repository)}</a></p>
      <pre>${commit.message}</pre>
      <p class="dim">${commit.author.name}, ${commit.author.date}</p>
      <h2>Checks</h2>
      ${runs.map((run) => showRun(run, false))}
      <ul>
        ${statuses}
      </ul>
      <h2>Deployments</h2>
      ${showDeployments(world, repository, commit.sha)}`,
  )
}

function pullPage(world: World, repository: Repository, number: number): Answer | undefined {
  const pull = world.pullRequests.find(
    (candidate) => candidate.repositoryId === repository.id && candidate.number === number,
  )
  if (pull === undefined) return undefined
  const here = `/${fullName(world, repository)}`
  return page(
    200,
    `#${pull.number} ${pull.title}`,
    html`<p>
        <a href="${here}">${fullName(world, repository)}</a> · ${pull.merged ? 'merged' : pull.state} ·
        <code>${pull.headRef}</code> into <code>${pull.baseRef}</code> ·
        <a href="${here}/commit/${pull.headSha}"><code>${pull.headSha.slice(0, 10)}</code></a>
      </p>
      <pre>${pull.body ?? ''}</pre>
      <h2>Checks</h2>
      ${checksOf(world, repository, pull.headSha).map((run) => showRun(run, false))}`,
  )
}

/** The newest run of each name, as GitHub shows them. */
function checksOf(world: World, repository: Repository, sha: string): CheckRun[] {
  const newest = new Map<string, CheckRun>()
  for (const run of world.checkRuns.values())
    if (run.repositoryId === repository.id && run.headSha === sha) newest.set(run.name, run)
  return [...newest.values()]
}

function showChecks(runs: readonly CheckRun[]): Markup[] {
  return runs.map(
    (run) =>
      html`<span class="${run.conclusion ?? run.status}" title="${run.title ?? ''}"
        >${run.name}: ${run.conclusion ?? run.status}</span
      > `,
  )
}

function showRun(run: CheckRun, open: boolean): Markup {
  const annotations = run.annotations.map(showAnnotation)
  const buttons = run.actions.map(
    (action) => html`<li><b>${text(action, 'label')}</b> <span class="dim">${text(action, 'description')}</span></li>`,
  )
  const state = run.conclusion ?? run.status
  const head = html`<b class="${state}">${state}</b> ${run.name} <span class="dim">${run.title ?? ''}</span>`
  const body = html`<p><a href="${run.detailsUrl ?? '#'}">Details</a></p>
    <pre>${run.summary ?? ''}</pre>
    ${run.text === null ? undefined : html`<pre>${run.text}</pre>`}
    <ul>
      ${annotations}
    </ul>
    <ul>
      ${buttons}
    </ul>`
  return open || state === 'failure'
    ? html`<details open>
        <summary>${head}</summary>
        ${body}
      </details>`
    : html`<details>
        <summary>${head}</summary>
        ${body}
      </details>`
}

function showAnnotation(annotation: JsonObject): Markup {
  const level = text(annotation, 'annotation_level') ?? 'notice'
  return html`<li class="${level}">
    <code>${text(annotation, 'path')}:${String(annotation['start_line'])}</code> ${text(annotation, 'title') ?? ''}
    ${text(annotation, 'message')}
  </li>`
}

function showDeployments(world: World, repository: Repository, sha?: string): Markup {
  const rows = [...world.deployments.values()]
    .filter((deployment) => deployment.repositoryId === repository.id && (sha === undefined || deployment.sha === sha))
    .toReversed()
    .map((deployment) => {
      const last = deployment.statuses.at(-1)
      const url = last?.environmentUrl ?? ''
      const link = /^https?:/.test(url) ? html`<a href="${url}">${url}</a>` : undefined
      return html`<tr>
        <td>${deployment.environment}</td>
        <td><code>${deployment.sha.slice(0, 10)}</code></td>
        <td class="${last?.state ?? 'pending'}">${last?.state ?? 'pending'}</td>
        <td>${last?.description}</td>
        <td>${link}</td>
      </tr>`
    })
  return html`<table>
    ${rows}
  </table>`
}
