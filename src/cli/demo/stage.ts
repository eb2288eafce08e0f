/** Where the story is played: a Slipway, a GitHub, and what the acts before have left behind. */
import type { ControlClient } from '../../simulate/index.ts'
import type { SlipwayClient } from '../client.ts'
import type { Narrator } from './narrator.ts'

export interface Stage {
  readonly github: ControlClient
  readonly slipway: SlipwayClient
  readonly narrator: Narrator
  /** Where the services of the demo answer. */
  readonly proxyPort: number
  /** For files of the story. */
  readonly folder: string
}

/** An act throws when the story did not go as it should. */
export interface Act {
  readonly title: string
  readonly play: (stage: Stage) => Promise<void>
}

/** The repository that the story is about. */
export const REPOSITORY = 'acme/hello'
/** The person who works on it. */
export const PERSON = 'octocat'

/** For what takes one build or one container; on a small machine everything takes its time. Milliseconds. */
export const PATIENCE_MS = 120_000

/** Ends the story when `holds` is false. */
export function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what)
}
