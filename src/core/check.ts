/**
 * What contributors should see of a run, in GitHub's own terms: the desired state that the outbox sends.
 * Words are made in `report/`; limits of GitHub's API are kept there as well.
 */
import type { Conclusion, RunState } from './run.ts'

export interface Annotation {
  /** Path from the repository's root. */
  readonly path: string
  readonly startLine: number
  readonly endLine: number
  readonly startColumn?: number
  readonly endColumn?: number
  readonly level: 'notice' | 'warning' | 'failure'
  readonly message: string
  readonly title?: string
}

export interface CheckOutput {
  /** One line: result, duration, cause. */
  readonly title: string
  /** Markdown. */
  readonly summary: string
  /** Markdown, folded by GitHub below the summary. */
  readonly text?: string
  readonly annotations: readonly Annotation[]
}

export const BUTTONS = ['cancel', 'rebuild', 'approve', 'rollback', 'extend', 'release'] as const
export type ButtonIdentifier = (typeof BUTTONS)[number]

/** A button of a check run: label at most 20 characters, description at most 40. */
export interface CheckButton {
  readonly identifier: ButtonIdentifier
  readonly label: string
  readonly description: string
}

export interface DesiredCheck {
  readonly status: RunState
  readonly conclusion: Conclusion | null
  readonly output: CheckOutput
  readonly buttons: readonly CheckButton[]
}
