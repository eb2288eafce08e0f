/**
 * What a run prints, kept line by line. Lines are numbered from 1 through the whole run, and that number is the one
 * cursor of every way to read: `from: 10` begins with line 10. What is left out past the limit leaves a gap in the
 * numbers, and readers are told how much is missing.
 */
import type { SecretMasker } from './mask-secrets.ts'

/** `slipway` marks lines of our own about the run; a program cannot write those. */
export type LogOutput = 'out' | 'err' | 'slipway'

export interface LogSource {
  /** The step or service that speaks; empty for the run itself. */
  readonly step: string
  readonly out: LogOutput
}

export interface LogLine {
  readonly n: number
  /** Milliseconds since the epoch at which Slipway received it. */
  readonly at: number
  readonly step: string
  /** `gap` stands for lines that are missing; `n` is then the number of the last of them. */
  readonly out: LogOutput | 'gap'
  /** Valid text without NUL and without the line break. */
  readonly text: string
}

export interface LogExtent {
  /** Number of the last line. */
  readonly lines: number
  /** Bytes of all lines that were ever written, those of a gap included. */
  readonly bytes: number
}

/** Go on after `bytes` of the source's output and pass over the next `lines` line breaks. */
export interface LogResume {
  readonly bytes: number
  readonly lines: number
  /** When that was received, milliseconds since the epoch; 0 when nothing was. */
  readonly at: number
}

export interface OpenLogOptions {
  readonly masker: SecretMasker
  /** Bytes kept at most: the first half and the last half of what is printed. */
  readonly limitBytes: number
}

export interface RunLogWriter {
  /** Takes bytes as they come, also half lines and half characters. Wait for it: it is slow when the disk is. Never throws. */
  write(source: LogSource, chunk: Buffer): Promise<void>
  /** A line of our own. */
  note(text: string, step?: string): Promise<void>
  /** The source will say no more: what it left without a line break becomes a line. */
  end(source: LogSource): Promise<void>
  /** How many lines of the source are kept or knowingly left out. */
  linesOf(source: LogSource): number
  /** Where to go on reading the source, as it was found when the log was opened. */
  resumeAt(source: LogSource): LogResume
  /** Makes everything written so far readable. */
  flush(): Promise<void>
  /** Ends the log for good; readers that follow it end as well. */
  seal(): Promise<LogExtent>
  /** Lets go of the log without ending it; another writer continues. */
  close(): Promise<void>
}

export interface LogPage {
  readonly lines: readonly LogLine[]
  /** Number to continue from. */
  readonly next: number
  readonly isSealed: boolean
}

export interface ReadLogOptions {
  /** Number of the first wanted line, 1 by default. */
  readonly from?: number
  readonly limit?: number
}

export interface FollowLogOptions {
  readonly from?: number
  /** Wait for more until the log is sealed; otherwise end with what is there. */
  readonly follow?: boolean
  /** Asked while there is nothing to read: true ends the reading also without a seal, for runs that never wrote a log. */
  readonly isOver?: () => Promise<boolean>
  readonly signal?: AbortSignal
}

export interface RunLogs {
  /** Continues where an earlier writer stopped, whatever it died of. The caller holds the run's lease. */
  open(runId: string, options: OpenLogOptions): Promise<RunLogWriter>
  read(runId: string, options?: ReadLogOptions): Promise<LogPage>
  /** The last lines, of one step when it is named, oldest first. Looks at the end of the log only. */
  tail(runId: string, count: number, step?: string): Promise<readonly LogLine[]>
  /** Lines in batches as they come. */
  follow(runId: string, options?: FollowLogOptions): AsyncIterable<readonly LogLine[]>
  /** The text itself with its line breaks, gaps marked by a line. The cheapest way to read. */
  content(runId: string, options?: FollowLogOptions): AsyncIterable<Buffer>
  remove(runId: string): Promise<void>
}

/** The line that stands for what is missing. */
export function gapText(missingLines: number, missingBytes: number): string {
  return `[... ${missingLines} lines (${missingBytes} bytes) left out here: the log is longer than its limit ...]`
}
