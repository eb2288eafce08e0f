/** The desired check as GitHub's request, within its limits. Pure: the sender sends what this returns. */
import type { Annotation, DesiredCheck } from '../core/check.ts'
import type { PendingCheck } from './ports.ts'

/** GitHub takes at most this many annotations a request and appends those of the next one. */
export const ANNOTATIONS_PER_REQUEST = 50
/** Bytes. */
const LONGEST_TEXT = 65_535
/** Characters. */
const LONGEST_TITLE = 255
const MOST_BUTTONS = 3
const CUT = '\n\n… cut: the whole text is on the run’s page.'

export function checkRunRequest(pending: PendingCheck, detailsUrl: string) {
  const { desired } = pending
  return {
    name: pending.name,
    external_id: pending.runId,
    details_url: detailsUrl,
    status: desired.status,
    ...(desired.conclusion === null ? {} : { conclusion: desired.conclusion }),
    ...(pending.startedAt === null ? {} : { started_at: pending.startedAt.toISOString() }),
    ...(pending.completedAt === null ? {} : { completed_at: pending.completedAt.toISOString() }),
    output: outputRequest(desired, pending.annotationsSent),
    actions: desired.buttons.slice(0, MOST_BUTTONS).map(({ label, description, identifier }) => ({
      label: whole(label.slice(0, 20)),
      description: whole(description.slice(0, 40)),
      identifier,
    })),
  }
}

/** How many annotations are on GitHub after the request that starts with `sent`. */
export function annotationsAfter(desired: DesiredCheck, sent: number): number {
  return Math.max(sent, Math.min(desired.output.annotations.length, sent + ANNOTATIONS_PER_REQUEST))
}

function outputRequest({ output }: DesiredCheck, annotationsSent: number) {
  return {
    title: oneLine(output.title),
    summary: cut(output.summary),
    ...(output.text === undefined ? {} : { text: cut(output.text) }),
    annotations: output.annotations
      .slice(annotationsSent, annotationsSent + ANNOTATIONS_PER_REQUEST)
      .map(annotationRequest),
  }
}

function annotationRequest(annotation: Annotation) {
  const isOneLine = annotation.startLine === annotation.endLine
  return {
    path: annotation.path,
    start_line: annotation.startLine,
    end_line: annotation.endLine,
    // GitHub takes columns only for annotations of one line.
    ...(isOneLine && annotation.startColumn !== undefined ? { start_column: annotation.startColumn } : {}),
    ...(isOneLine && annotation.endColumn !== undefined ? { end_column: annotation.endColumn } : {}),
    annotation_level: annotation.level,
    message: cut(annotation.message),
    ...(annotation.title === undefined ? {} : { title: oneLine(annotation.title) }),
  }
}

/** A title shows no line breaks and no control characters, whatever a repository put into it. */
function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  const plain = text.replaceAll(/[\u0000-\u001F\u007F]+/g, ' ')
  return whole(plain.length <= LONGEST_TITLE ? plain : `${plain.slice(0, LONGEST_TITLE - 1)}…`)
}

/** Half a surrogate pair, left where a text was cut, is not JSON to GitHub; NUL it refuses. */
function whole(text: string): string {
  return text.replaceAll(/[\0\p{Surrogate}]/gu, '\uFFFD')
}

function cut(given: string): string {
  const text = whole(given)
  // The limit counts bytes; most of our text has one byte a character, and the check below is exact for the rest.
  if (Buffer.byteLength(text) <= LONGEST_TEXT) return text
  let kept = text.slice(0, LONGEST_TEXT - CUT.length)
  while (Buffer.byteLength(kept) + Buffer.byteLength(CUT) > LONGEST_TEXT)
    kept = kept.slice(0, Math.floor(kept.length * 0.95))
  return whole(kept) + CUT
}
