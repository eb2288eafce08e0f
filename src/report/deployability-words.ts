/** What contributors read of `deployability`. Every sentence about image builds is here. */
import type { Annotation, DesiredCheck } from '../core/check.ts'
import type { Conclusion } from '../core/run.ts'
import { CANCEL, REBUILD } from './buttons.ts'
import { durationText } from './duration-text.ts'
import { block, code, paragraphs, plain, table } from './markdown.ts'

/** The part of an image's result that is worded here; `images/` makes it. */
export interface ImageLine {
  readonly image: string
  readonly platform: string
  readonly host: string
  readonly state: 'waiting' | 'building' | 'built' | 'reused' | 'failed' | 'timed_out' | 'cancelled' | 'infrastructure'
  readonly durationMs: number | null
  readonly cause: string | null
  readonly step: string | null
  readonly exitCode: number | null
  readonly location: { readonly path: string; readonly startLine: number; readonly endLine: number } | null
}

export interface DeployabilityReport {
  readonly images: readonly ImageLine[]
  readonly missing: readonly { readonly image: string; readonly platform: string }[]
  readonly published: readonly {
    readonly image: string
    readonly reference: string
    readonly digest: string | null
    readonly cause: string | null
  }[]
  readonly logTail: readonly string[]
}

const STATE_WORDS: Readonly<Record<ImageLine['state'], string>> = {
  waiting: 'waiting',
  building: '🔨 building',
  built: '✅ built',
  reused: '✅ unchanged, reused',
  failed: '❌ failed',
  timed_out: '⏱️ timed out',
  cancelled: '⏹️ cancelled',
  infrastructure: '⚠️ Slipway failed',
}

export function deployabilityProgress(report: DeployabilityReport): DesiredCheck {
  const building = report.images.filter((image) => image.state === 'building').map((image) => image.image)
  return {
    status: 'in_progress',
    conclusion: null,
    output: {
      title: building.length === 0 ? 'Looking for images that are already built' : `Building ${building.join(', ')}`,
      summary: imageTable(report),
      annotations: [],
    },
    buttons: [CANCEL],
  }
}

/** @param cause who or what ended the run before its time */
export function deployabilityEnd(
  conclusion: Conclusion,
  report: DeployabilityReport,
  durationMs: number,
  cause: string | null,
): DesiredCheck {
  const failed = firstFailure(report)
  const tail = report.logTail.length > 0 && conclusion !== 'success'
  return {
    status: 'completed',
    conclusion,
    output: {
      title: title(conclusion, report, durationMs, cause),
      summary: paragraphs(
        failed !== null && failure(failed),
        report.missing.length > 0 && missingPlatforms(report),
        imageTable(report),
        report.published.length > 0 && publishedTable(report),
        tail && `The last ${report.logTail.length} lines of the log:`,
        tail && block(report.logTail),
        nextStep(conclusion, failed),
      ),
      annotations: report.images.flatMap(annotationsOf),
    },
    buttons: [REBUILD],
  }
}

function title(conclusion: Conclusion, report: DeployabilityReport, durationMs: number, cause: string | null): string {
  const took = durationText(durationMs)
  const failed = firstFailure(report)
  if (conclusion === 'success') {
    const count = report.images.length
    const images = count === 1 ? 'The image' : `All ${count} images`
    const isUnchanged = report.images.every((image) => image.state === 'reused')
    return isUnchanged ? `${images} unchanged, already built` : `${images} built in ${took}`
  }
  const [missing] = report.missing
  if (missing !== undefined) return `No Docker host builds ${missing.platform} for ${missing.image}`
  const unpublished = report.published.find((publication) => publication.cause !== null)
  if (failed === null && unpublished !== undefined) return `${unpublished.image} could not be published`
  if (conclusion === 'cancelled')
    return cause === null ? `Cancelled after ${took}` : `Cancelled after ${took}: ${cause}`
  if (failed === null) return `Failed after ${took}`
  if (failed.state === 'timed_out') return `${failed.image} timed out after ${took}`
  if (failed.state === 'infrastructure') return `Slipway failed, not your commit: ${failed.cause ?? ''}`
  const where = failed.location === null ? '' : ` (${failed.location.path}:${failed.location.startLine})`
  return `${failed.image} failed after ${took}: ${failed.cause ?? 'the build failed'}${where}`
}

function failure(image: ImageLine): string {
  const where = image.location === null ? '' : ` at ${code(`${image.location.path}:${image.location.startLine}`)}`
  const step = image.step === null ? '' : `\n\n${block([image.step])}`
  const lead =
    image.state === 'infrastructure'
      ? '**Slipway failed, not your commit.**'
      : `**${plain(image.image)}** could not be built${where}.`
  return `${lead} ${plain(image.cause ?? '')}${step}`
}

function imageTable(report: DeployabilityReport): string {
  return table(
    ['Image', 'Platform', 'Host', 'Result', 'Time'],
    report.images.map((image) => [
      code(image.image),
      image.platform,
      plain(image.host),
      STATE_WORDS[image.state],
      image.durationMs === null ? '' : durationText(image.durationMs),
    ]),
  )
}

function publishedTable(report: DeployabilityReport): string {
  return table(
    ['Published', 'Digest'],
    report.published.map((publication) => [
      code(publication.reference),
      publication.digest === null ? `❌ ${plain(publication.cause ?? '')}` : code(publication.digest),
    ]),
  )
}

function missingPlatforms(report: DeployabilityReport): string {
  const list = report.missing.map(({ image, platform }) => `- ${code(image)} wants ${code(platform)}`).join('\n')
  return `No Docker host of this server builds these platforms; an admin has to add one, or the file has to ask for less:\n\n${list}`
}

function nextStep(conclusion: Conclusion, failed: ImageLine | null): string | false {
  if (conclusion === 'success') return false
  if (failed?.state === 'infrastructure')
    return 'Press **Re-run** to try again. If it stays like this, tell an admin: the Docker host needs a look.'
  if (failed?.state === 'timed_out')
    return 'Make the build faster, or raise `timeout` of the image in `.github/slipway.yml` (up to the admin’s limit).'
  if (failed !== null)
    return 'Mend the step above and push again; **Rebuild** builds the same commit without any cache.'
  return false
}

function annotationsOf(image: ImageLine): readonly Annotation[] {
  if (image.state !== 'failed' || image.location === null) return []
  const { path, startLine, endLine } = image.location
  return [
    {
      path,
      startLine,
      endLine,
      level: 'failure',
      title: `Image ${image.image}: the build fails here`,
      message: image.cause ?? 'the build failed',
    },
  ]
}

function firstFailure(report: DeployabilityReport): ImageLine | null {
  const order: readonly ImageLine['state'][] = ['failed', 'timed_out', 'infrastructure']
  return order.flatMap((state) => report.images.filter((image) => image.state === state))[0] ?? null
}
