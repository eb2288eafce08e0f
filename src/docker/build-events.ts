import type { DockerfileLines } from './locate-dockerfile-step.ts'

/** What a build tells while it runs; steps are numbered from 1 in the order in which they began. */
export type BuildEvent =
  | { readonly kind: 'step_started'; readonly step: number; readonly name: string }
  | { readonly kind: 'output'; readonly step: number; readonly stream: 'stdout' | 'stderr'; readonly bytes: Buffer }
  | {
      readonly kind: 'step_finished'
      readonly step: number
      readonly cached: boolean
      readonly durationMs: number | undefined
      readonly failed: boolean
    }
  | { readonly kind: 'note'; readonly text: string }

export type BuildEventSink = (event: BuildEvent) => void

export interface BuildStep {
  readonly number: number
  /** As the builder shows it. */
  readonly name: string
  readonly cached: boolean
  readonly durationMs: number | undefined
  readonly failed: boolean
  readonly lines: DockerfileLines | undefined
}

/** Follows the items of one builder's stream. */
export interface BuildTracker {
  accept(item: unknown): void
  steps(): readonly BuildStep[]
  imageId(): string | undefined
  /** What the stream called an error. The Engine answers 200 all the same. */
  error(): { readonly message: string; readonly exitCode: number | undefined } | undefined
}
