/** Files of the workspace that are kept after the run, found by patterns, hashed on their way into the store. */
import { PassThrough } from 'node:stream'
import { matchesGlob } from '../config/glob.ts'
import type { ArtifactsConfig } from '../config/repository-config.ts'
import { formatByteSize } from '../core/byte-size.ts'
import { errorMessage } from '../core/errors.ts'
import { parseJunit, type JunitReport } from './parse-junit.ts'
import { WORKSPACE_PATH, type WorkspaceFile } from './ports.ts'
import { isSafePath, staticPrefix } from './safe-path.ts'
import type { StageContext } from './stage-context.ts'

/** Files of one run; a pattern that finds more was not meant. */
const MOST_FILES = 2_000
/** Bytes of one run. */
const MOST_BYTES = 4 * 1024 ** 3
/** A test report is text for people. */
const LARGEST_REPORT_BYTES = 16 * 1024 * 1024

/** @param isGood whether all steps ended well, for `when` */
export async function collectArtifacts(context: StageContext, containerId: string, isGood: boolean): Promise<void> {
  const config = context.plan.config.artifacts
  if (config === null) return
  await readReports(context, containerId, config)
  if (config.when !== 'always' && (config.when === 'success') !== isGood) return
  const kept: { path: string; size: number; sha256: string }[] = []
  const notices: string[] = []
  for (const prefix of prefixesOf(config.paths)) {
    for await (const file of filesBelow(context, containerId, prefix)) {
      const fault = refusal(file, config.paths, kept)
      if (fault !== null) {
        if (fault !== '') notices.push(fault)
        file.content.resume()
        continue
      }
      try {
        const blob = await context.artifactBlobs.put(file.content)
        const artifact = { path: file.path, size: blob.size, sha256: blob.sha256 }
        const name = file.path.slice(file.path.lastIndexOf('/') + 1)
        await context.artifacts.keep({ runId: context.identity.runId, name, ...artifact, expireMs: config.expireMs })
        kept.push(artifact)
      } catch (error) {
        notices.push(`artifact ${file.path} could not be kept: ${errorMessage(error)}`)
        break
      }
    }
  }
  if (kept.length === 0 && notices.length === 0)
    notices.push(`no file matches the artifacts ${config.paths.join(', ')}`)
  context.state.change((report) => ({ ...report, artifacts: kept, notices: [...report.notices, ...notices] }))
  for (const notice of notices) await context.log.note(notice)
  if (kept.length > 0) await context.log.note(`kept ${kept.length} artifacts, ${formatByteSize(sum(kept))}`)
}

/** Why a file is not kept; an empty text for one that nobody asked for. */
function refusal(
  file: WorkspaceFile,
  patterns: readonly string[],
  kept: readonly { readonly path: string; readonly size: number }[],
): string | null {
  if (file.type === 'directory' || !matchesGlob(patterns, file.path)) return ''
  if (file.type !== 'file') return `artifact ${file.path} is a link or a device and is not kept`
  if (!isSafePath(file.path)) return 'an artifact whose path leads out of the workspace is not kept'
  if (kept.some((other) => other.path === file.path)) return ''
  // Names that only differ in case or in how an accent is written are one file on some readers' disks.
  const twin = kept.find((other) => folded(other.path) === folded(file.path))
  if (twin !== undefined)
    return `artifact ${file.path} has the same name as ${twin.path} on some systems and is not kept`
  if (kept.length >= MOST_FILES) return `artifact ${file.path} is not kept: there are more than ${MOST_FILES}`
  if (sum(kept) + file.size > MOST_BYTES)
    return `artifact ${file.path} is not kept: together they are larger than ${formatByteSize(MOST_BYTES)}`
  return null
}

async function readReports(context: StageContext, containerId: string, config: ArtifactsConfig): Promise<void> {
  const pattern = config.report.junit
  if (pattern === null) return
  const reports: JunitReport[] = []
  const notices: string[] = []
  for await (const file of filesBelow(context, containerId, staticPrefix(pattern))) {
    if (file.type !== 'file' || !matchesGlob([pattern], file.path) || file.size > LARGEST_REPORT_BYTES) {
      file.content.resume()
      continue
    }
    const chunks: Buffer[] = []
    for await (const chunk of file.content.pipe(new PassThrough())) chunks.push(Buffer.from(chunk))
    const parsed = parseJunit(Buffer.concat(chunks).toString(), WORKSPACE_PATH)
    if (parsed === null) notices.push(`${file.path} is not a JUnit report`)
    else reports.push(parsed)
  }
  if (reports.length === 0 && notices.length === 0) notices.push(`there is no test report ${pattern}`)
  context.state.change((report) => ({
    ...report,
    notices: [...report.notices, ...notices],
    tests: reports.length === 0 ? null : reports.map((one) => one.summary).reduce(joined),
    annotations: [...report.annotations, ...reports.flatMap((one) => one.annotations)],
  }))
}

function joined(one: JunitReport['summary'], other: JunitReport['summary']): JunitReport['summary'] {
  return {
    total: one.total + other.total,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
    failures: [...one.failures, ...other.failures],
  }
}

/** Folders to look through, none inside another. */
function prefixesOf(patterns: readonly string[]): readonly string[] {
  const all = [...new Set(patterns.filter((pattern) => !pattern.startsWith('!')).map(staticPrefix))].filter(
    (prefix) => prefix === '' || isSafePath(prefix),
  )
  return all.filter(
    (prefix) => !all.some((other) => other !== prefix && (other === '' || prefix.startsWith(`${other}/`))),
  )
}

/** Paths are relative to the workspace. */
async function* filesBelow(context: StageContext, containerId: string, prefix: string): AsyncGenerator<WorkspaceFile> {
  const path = prefix === '' ? WORKSPACE_PATH : `${WORKSPACE_PATH}/${prefix}`
  for await (const file of context.host.files(containerId, path)) {
    yield { ...file, path: [prefix, file.path].filter((part) => part !== '').join('/') }
  }
}

function folded(path: string): string {
  return path.normalize('NFC').toLowerCase()
}

function sum(files: readonly { readonly size: number }[]): number {
  return files.reduce((total, file) => total + file.size, 0)
}
