/** Every word about package builds that a person reads on GitHub. */
import { formatByteSize } from '../core/byte-size.ts'
import type { DesiredCheck } from '../core/check.ts'
import type {
  PackageComparison,
  PackageEnd,
  PackageOutcome,
  PackagePhase,
  PackageSubject,
  PackageWords,
} from '../core/package-report.ts'
import type { Conclusion } from '../core/run.ts'
import { CANCEL, REBUILD } from './buttons.ts'
import { durationText } from './duration-text.ts'
import { block, code, paragraphs, plain, table } from './markdown.ts'
import { packageLetter } from './package-letter.ts'

export const packageWords: PackageWords = {
  queued: (subject) => open('queued', 'Waiting for a free place', subject),
  working: (subject, phase) => open('in_progress', PHASES[phase], subject),
  ended: endedCheck,
  letter: packageLetter,
}

const PHASES: Readonly<Record<PackagePhase, string>> = {
  preparing: 'Fetching the source',
  fetching: 'Fetching dependencies',
  building: 'Building, without network unless the file asks for it',
  publishing: 'Keeping the artifact',
}

function open(status: 'queued' | 'in_progress', title: string, subject: PackageSubject): DesiredCheck {
  return {
    status,
    conclusion: null,
    output: { title, summary: paragraphs(describe(subject), limits(subject)), annotations: [] },
    buttons: [CANCEL],
  }
}

function endedCheck(end: PackageEnd): DesiredCheck {
  const { subject, outcome, tail, links } = end
  const { conclusion, title } = verdict(end)
  const hasFailed = conclusion === 'failure' || conclusion === 'timed_out'
  return {
    status: 'completed',
    conclusion,
    output: {
      title,
      summary: paragraphs(
        explanation(outcome, subject),
        facts(end),
        hasFailed && tail.length > 0 && `The last lines of the log:\n\n${block(tail)}`,
        links.run !== links.page && `[Whole log](${links.log}) · [All versions](${links.page})`,
        limits(subject),
      ),
      annotations: [],
    },
    buttons: outcome.kind === 'published' || outcome.kind === 'tag_moved' ? [] : [REBUILD],
  }
}

function verdict({ outcome, subject, durationMs }: PackageEnd): {
  readonly conclusion: Conclusion
  readonly title: string
} {
  const took = durationText(durationMs)
  switch (outcome.kind) {
    case 'published':
      return {
        conclusion: 'success',
        title: `Released ${outcome.file.fileName} (${formatByteSize(outcome.file.size)}) in ${took}`,
      }
    case 'compared':
      return comparisonVerdict(outcome.comparison, took)
    case 'tag_moved':
      return {
        conclusion: 'failure',
        title: `The tag moved: ${subject.tag} stands for ${outcome.releasedSha.slice(0, 12)}, not ${subject.sha.slice(0, 12)}`,
      }
    case 'failed':
      return {
        conclusion: 'failure',
        title:
          outcome.fault === 'user'
            ? `Failed after ${took}: ${outcome.message}`
            : `Slipway failed, not your commit: ${outcome.message}`,
      }
    case 'timed_out':
      return { conclusion: 'timed_out', title: `Timed out after ${durationText(outcome.limitMs)}` }
    case 'cancelled':
      return { conclusion: 'cancelled', title: `Cancelled: ${outcome.message}` }
  }
}

function comparisonVerdict(
  comparison: PackageComparison,
  took: string,
): { readonly conclusion: Conclusion; readonly title: string } {
  switch (comparison.kind) {
    case 'same_bytes':
      return { conclusion: 'success', title: `Reproducible: built again in ${took}, the same bytes` }
    case 'same_contents':
      return {
        conclusion: 'success',
        title: `Same contents: built again in ${took}, the same files in another archive`,
      }
    case 'different':
      return {
        conclusion: 'neutral',
        title: `Different: built again in ${took}, ${comparison.files.length} files differ; the released bytes stay`,
      }
  }
}

function explanation(outcome: PackageOutcome, subject: PackageSubject): string {
  switch (outcome.kind) {
    case 'published':
      return `${describe(subject)} is released. Its bytes will never change.`
    case 'compared':
      return outcome.comparison.kind === 'different'
        ? `${describe(subject)} was built again and differs in:\n\n${outcome.comparison.files.map((file) => `- ${code(file)}`).join('\n')}\n\nDownloads keep giving what was released first.`
        : `${describe(subject)} was built again. Downloads keep giving what was released first.`
    case 'tag_moved':
      return (
        `${code(subject.tag)} was first built at ${code(outcome.releasedSha)} and now names ${code(subject.sha)}. ` +
        'A version never changes once it is out: people have its checksum. What was released stays, and this commit is not. ' +
        'Tag it with a new version instead.'
      )
    case 'failed':
      return outcome.fault === 'user'
        ? `${describe(subject)}: ${plain(outcome.message)}.`
        : `${describe(subject)} could not be built because a machine failed: ${plain(outcome.message)}. Press **Rebuild** to try again.`
    case 'timed_out':
      return `${describe(subject)} took longer than its limit of ${durationText(outcome.limitMs)}. Raise ${code(`packages.${subject.package}.timeout`)} or make it faster.`
    case 'cancelled':
      return `${describe(subject)} was cancelled: ${plain(outcome.message)}. Nothing of it is left running.`
  }
}

function facts({ outcome, links, subject }: PackageEnd): string | null {
  if (outcome.kind !== 'published' && outcome.kind !== 'compared') return null
  const { file } = outcome
  return table(
    ['', ''],
    [
      ['File', links.download === null ? plain(file.fileName) : `[${plain(file.fileName)}](${links.download})`],
      ['Size', formatByteSize(file.size)],
      ['sha256', code(file.sha256)],
      ['Commit', code(subject.sha)],
      ['Image', code(subject.image)],
      ['Provenance', links.download === null ? '' : `[signed](${links.download}/provenance)`],
    ],
  )
}

function describe({ package: name, tag, variant }: PackageSubject): string {
  return `Package ${code(name)}, version ${code(tag)}${variant === '' ? '' : ` (${plain(variant)})`}`
}

function limits({ limits: { memoryBytes, cpus, pids, timeoutMs } }: PackageSubject): string {
  return `Limits: ${formatByteSize(memoryBytes)} of memory, ${cpus} CPUs, ${pids} processes, ${durationText(timeoutMs)}.`
}
