/** What people read of deployments. Every sentence about services and releases is here. */
import type { CheckOutput, DesiredCheck } from '../core/check.ts'
import type { Conclusion } from '../core/run.ts'
import { APPROVE, CANCEL, REBUILD, ROLLBACK } from './buttons.ts'
import { durationText } from './duration-text.ts'
import { block, code, paragraphs, plain, table } from './markdown.ts'

/** The part of a deployment that is worded; `deployment/` knows more. */
export interface DeploymentStory {
  readonly run: { readonly sha: string; readonly source: { readonly actor: string | null } }
  readonly service: {
    readonly key: string
    readonly name: string
    readonly host: string
    readonly driver: string
    readonly environment: string
    readonly url: string | null
    readonly pullRequest: number | null
  }
  readonly deployment: {
    readonly state: string
    readonly direction: 'forward' | 'back'
    readonly failure: {
      readonly kind: string
      readonly cause: string
      readonly exitCode: number | null
      readonly logTail: readonly string[]
    } | null
    readonly warnings: readonly string[]
  }
  readonly release: ReleaseStory | null
  readonly previous: ReleaseStory | null
  readonly durationMs: number
}

interface ReleaseStory {
  readonly number: number
  readonly sha: string
  readonly image: { readonly imageId: string; readonly digest: string | null }
  readonly approvedBy: string | null
}

export type WaitReason =
  | { readonly kind: 'dry_run' }
  | { readonly kind: 'lock'; readonly by: string; readonly reason: string; readonly until: Date | null }
  | { readonly kind: 'freeze'; readonly reason: string; readonly until: Date }
  | { readonly kind: 'approval' }
  | { readonly kind: 'start' }

export function deploymentProgress(story: DeploymentStory): DesiredCheck {
  return { status: 'in_progress', conclusion: null, output: output(story, nowDoing(story)), buttons: [CANCEL] }
}

function nowDoing({ deployment, release, previous, service }: DeploymentStory): string {
  const what = release === null ? service.key : `release ${release.number}`
  switch (deployment.state) {
    case 'queued':
      return `Getting ready to deploy ${service.key} to ${service.environment}`
    case 'building':
      return 'Getting the image'
    case 'publishing':
      return `Bringing the image to ${service.host}`
    case 'baking':
      return `${capital(what)} runs on ${service.host} and is being watched`
    default:
      if (deployment.direction === 'forward') return `Rolling out ${what} on ${service.host}`
      return previous === null ? 'Clearing up after a failure' : `Bringing ${short(previous.sha)} back`
  }
}

export function deploymentWaiting(story: DeploymentStory, reasons: readonly WaitReason[]): DesiredCheck {
  const asksPerson = reasons.some((reason) => reason.kind === 'approval' || reason.kind === 'start')
  const title = `Waiting: ${reasons.map(whyWaiting).join('; ')}`
  return {
    status: asksPerson ? 'completed' : 'in_progress',
    conclusion: asksPerson ? 'action_required' : null,
    output: output(story, title, reasons.map(wayOut).join('\n\n')),
    buttons: asksPerson ? [{ ...APPROVE, description: 'Let exactly this image go live' }, CANCEL] : [CANCEL],
  }
}

function whyWaiting(reason: WaitReason): string {
  switch (reason.kind) {
    case 'dry_run':
      return 'this server only plans (CONFIRM=harmless)'
    case 'lock':
      return `locked by ${reason.by} (${reason.reason})${reason.until === null ? '' : ` until ${stamp(reason.until)}`}`
    case 'freeze':
      return `frozen (${reason.reason}) until ${stamp(reason.until)}`
    case 'approval':
      return 'somebody has to approve it'
    case 'start':
      return 'somebody has to start it (CONFIRM=deploys)'
  }
}

function wayOut(reason: WaitReason): string {
  switch (reason.kind) {
    case 'dry_run':
      return 'Nothing is built or deployed while the server runs with `CONFIRM=harmless`.'
    case 'lock':
      return `It goes on by itself once the lock is gone: \`slipway unlock\`, or the button on the page of services.`
    case 'freeze':
      return 'It goes on by itself when the window closes; on its page a person can let it pass, with a reason that is recorded.'
    case 'approval':
      return 'Someone with write permission presses **Approve**. The approval counts for exactly this image.'
    case 'start':
      return 'Someone with write permission presses **Approve** to start it.'
  }
}

export function deploymentEnd(story: DeploymentStory): DesiredCheck {
  const { deployment } = story
  const conclusion = conclusionOf(story)
  return {
    status: 'completed',
    conclusion,
    output: output(story, deploymentLine(story), whatNow(story)),
    buttons:
      deployment.state === 'live' ? [ROLLBACK] : conclusion === 'neutral' || conclusion === 'failure' ? [REBUILD] : [],
  }
}

function conclusionOf({ deployment }: DeploymentStory): Conclusion {
  if (deployment.failure?.kind === 'held') return 'neutral'
  switch (deployment.state) {
    case 'live':
      return deployment.warnings.includes('post_deploy_failed') ? 'failure' : 'success'
    case 'superseded':
    case 'cancelled':
      return 'cancelled'
    default:
      return 'failure'
  }
}

/** The outcome in one line: the check's title, the Deployment's description, the message to Slack. */
export function deploymentLine({ service, deployment, release, previous, run, durationMs }: DeploymentStory): string {
  const took = durationText(durationMs)
  const cause = deployment.failure?.cause ?? 'no cause is known'
  const sha = short(release?.sha ?? run.sha)
  switch (deployment.state) {
    case 'live':
      if (deployment.warnings.includes('post_deploy_failed'))
        return `${sha} is live on ${service.environment}, but ${cause}`
      return `${service.key}: ${sha} is live on ${service.environment} after ${took}`
    case 'rolled_back':
      return `${service.key}: rolled back to ${short(previous?.sha ?? '')} after ${took}: ${cause}`
    case 'superseded':
      return `${service.key}: ${cause}`
    case 'cancelled':
      if (deployment.failure?.kind === 'held') return `${service.key}: held back: ${cause}`
      return `${service.key}: cancelled: ${cause}`
    default:
      return `${service.key}: failed after ${took}: ${cause}`
  }
}

function whatNow({ deployment, service, previous }: DeploymentStory): string {
  if (deployment.failure?.kind === 'not_allowed')
    return 'Nothing was touched. What a repository may deploy, and where, an admin decides in `server.yml`.'
  if (deployment.failure?.kind === 'held')
    return 'Push a newer commit, or press **Re-run** to deploy this one all the same.'
  switch (deployment.state) {
    case 'live':
      return service.url === null ? '' : `It answers at ${service.url}`
    case 'rolled_back':
      return `Release ${previous?.number ?? ''} (${code(short(previous?.sha ?? ''))}) is live as before. This commit stays back until a newer one comes, or somebody presses **Re-run**.`
    case 'failed':
      return previous === null && deployment.failure?.kind !== 'build_failed'
        ? 'Nothing of this release is left running, and nothing was live before it.'
        : 'What was live before is live.'
    default:
      return ''
  }
}

const WARNINGS: Readonly<Record<string, string>> = {
  no_ipvs:
    '⚠️ The kernel of this host has no IPVS: ports that Swarm publishes through its routing mesh do not answer there, although Swarm reports that all is well. Load the module `ip_vs` on the host, publish in host mode, or use `driver: container`.',
  port_taken:
    '⚠️ The port is published by another service of the Swarm already, so this one is reachable inside the Swarm only.',
  post_deploy_failed: '⚠️ The release is live, but a `post_deploy` hook failed; it was not rolled back.',
}

function output(story: DeploymentStory, title: string, remark = ''): CheckOutput {
  const { deployment } = story
  const tail = deployment.failure?.logTail ?? []
  return {
    title: title.slice(0, 250),
    summary: paragraphs(
      deployment.failure !== null && `**${plain(deployment.failure.cause)}**`,
      remark,
      ...deployment.warnings.map((warning) => WARNINGS[warning] ?? plain(warning)),
      facts(story),
      tail.length > 0 && `The last ${tail.length} lines it wrote:`,
      tail.length > 0 && block(tail),
    ),
    annotations: [],
  }
}

function facts({ service, release, previous, run }: DeploymentStory): string {
  return table(
    ['Service', 'Environment', 'Host', 'Driver', 'Commit', 'Release', 'Image', 'Before'],
    [
      [
        code(service.key),
        plain(service.environment),
        plain(service.host),
        service.driver,
        code(short(release?.sha ?? run.sha)),
        release === null
          ? '–'
          : `${release.number}${release.approvedBy === null ? '' : `, approved by ${plain(release.approvedBy)}`}`,
        release === null
          ? '–'
          : code((release.image.digest ?? release.image.imageId).replace(/^(.*sha256:.{12}).*$/, '$1')),
        previous === null ? '–' : `${previous.number} (${code(short(previous.sha))})`,
      ],
    ],
  )
}

export function deploymentQueued(service: string): DesiredCheck {
  const summary = `${code(service)} is deployed as soon as what runs for it now has ended; only the newest commit is.`
  return {
    status: 'queued',
    conclusion: null,
    output: { title: 'Waiting for its turn', summary, annotations: [] },
    buttons: [CANCEL],
  }
}

/** Refused before anything was touched; no button can change it. */
export function deploymentRefused(service: string, why: string): DesiredCheck {
  const summary = paragraphs(
    `**${plain(why)}**`,
    'Nothing was touched. What a repository may deploy, and where, an admin decides in `server.yml`.',
  )
  return {
    status: 'completed',
    conclusion: 'failure',
    output: { title: `${service}: ${why}`.slice(0, 250), summary, annotations: [] },
    buttons: [],
  }
}

export type RefusalStory =
  | {
      readonly kind: 'host_unknown' | 'host_not_given' | 'host_takes_no_services' | 'host_has_no_unikernels'
      readonly host: string
    }
  | { readonly kind: 'branch_not_allowed'; readonly branch: string; readonly allowed: readonly string[] }
  | { readonly kind: 'name_not_allowed'; readonly name: string }
  | { readonly kind: 'port_missing' }
  | { readonly kind: 'too_many_replicas'; readonly most: number }

export function refusalLine(refusal: RefusalStory): string {
  switch (refusal.kind) {
    case 'host_unknown':
      return `there is no Docker host named ${refusal.host}`
    case 'host_not_given':
      return `no admin gave the Docker host ${refusal.host} to this repository`
    case 'host_takes_no_services':
      return `the Docker host ${refusal.host} runs no services (deploys: false)`
    case 'host_has_no_unikernels':
      return `the Docker host ${refusal.host} has no place for unikernels`
    case 'branch_not_allowed':
      return `the branch ${refusal.branch} may not deploy here (allowed: ${refusal.allowed.length === 0 ? 'none' : refusal.allowed.join(', ')})`
    case 'name_not_allowed':
      return `${JSON.stringify(refusal.name)} is no name for a service; letters, digits, "_", "-" and "." are allowed, at most 63 of them`
    case 'port_missing':
      return 'port is missing: the proxy has to know where the process listens'
    case 'too_many_replicas':
      return `the container driver runs at most ${refusal.most} replicas`
  }
}

function short(sha: string): string {
  return sha.slice(0, 7)
}

function stamp(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
}
