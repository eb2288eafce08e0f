/** The mail about a package build, as text and as HTML. Everything that came from a repository is escaped. */
import type { Letter, PackageEnd, PackageOutcome } from '../core/package-report.ts'
import { durationText } from './duration-text.ts'

/** Lines of the log in a mail about a failure. */
const TAIL_LINES = 30

/** Null for outcomes that are no news to the commit's author. */
export function packageLetter(end: PackageEnd): Letter | null {
  const told = story(end.outcome)
  if (told === null) return null
  const { subject, links } = end
  const name = `${subject.owner}/${subject.package}`
  const variant = subject.variant === '' ? '' : ` (${subject.variant})`
  const rows: readonly (readonly [string, string])[] = [
    ['Package', name],
    ['Version', `${subject.tag}${variant}`],
    ['Commit', subject.sha],
    ['Result', told.result],
    ['Duration', durationText(end.durationMs)],
    ...(told.sha256 === null ? [] : [['sha256', told.sha256] as const]),
  ]
  const addresses: readonly (readonly [string, string])[] = [
    ...(links.download === null ? [] : [['Download', links.download] as const]),
    ['Log', links.log],
    ['Run', links.run],
    ['Versions', links.page],
  ]
  const tail = told.isFailure ? end.tail.slice(-TAIL_LINES) : []
  return {
    subject: `Package build of ${name} ${subject.tag}${variant} ${told.isFailure ? 'failed' : 'succeeded'}`,
    text: asText(rows, addresses, tail),
    html: asHtml(rows, addresses, tail),
  }
}

interface Story {
  readonly result: string
  readonly isFailure: boolean
  readonly sha256: string | null
}

function story(outcome: PackageOutcome): Story | null {
  switch (outcome.kind) {
    case 'published':
      return { result: `released ${outcome.file.fileName}`, isFailure: false, sha256: outcome.file.sha256 }
    case 'failed':
      return { result: `failed: ${outcome.message}`, isFailure: true, sha256: null }
    case 'timed_out':
      return { result: `timed out after ${durationText(outcome.limitMs)}`, isFailure: true, sha256: null }
    case 'tag_moved':
      return { result: `the tag moved; ${outcome.releasedSha} holds the version`, isFailure: true, sha256: null }
    // A rebuild releases nothing, and whoever cancelled knows.
    case 'compared':
    case 'cancelled':
      return null
  }
}

type Rows = readonly (readonly [string, string])[]

function asText(rows: Rows, addresses: Rows, tail: readonly string[]): string {
  const lines = [...rows, ...addresses].map(([name, value]) => `${`${name}:`.padEnd(10)}${value}`)
  return [...lines, ...(tail.length === 0 ? [] : ['', 'The last lines of the log:', '', ...tail]), ''].join('\n')
}

function asHtml(rows: Rows, addresses: Rows, tail: readonly string[]): string {
  const cells = rows.map(([name, value]) => row(name, escaped(value)))
  const links = addresses.map(([name, address]) => row(name, `<a href="${escaped(address)}">${escaped(address)}</a>`))
  const log = tail.length === 0 ? '' : `<p>The last lines of the log:</p><pre>${escaped(tail.join('\n'))}</pre>`
  return `<!doctype html><html><body><table>${[...cells, ...links].join('')}</table>${log}</body></html>`
}

function row(name: string, value: string): string {
  return `<tr><th align="left">${escaped(name)}</th><td>${value}</td></tr>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
