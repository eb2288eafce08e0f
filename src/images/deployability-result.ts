/** What a deployability run found out, as data: the check run, the page and the deployment read the same. */

export type ImageResultState =
  | 'waiting'
  | 'building'
  | 'built'
  | 'reused'
  | 'failed'
  | 'timed_out'
  | 'cancelled'
  | 'infrastructure'

export interface ImageResult {
  readonly image: string
  readonly platform: string
  readonly host: string
  readonly state: ImageResultState
  readonly imageId: string | null
  readonly durationMs: number | null
  /** One line on why it failed. */
  readonly cause: string | null
  readonly step: string | null
  readonly exitCode: number | null
  readonly location: { readonly path: string; readonly startLine: number; readonly endLine: number } | null
}

export interface PublishResult {
  readonly image: string
  readonly reference: string
  readonly digest: string | null
  readonly cause: string | null
}

export interface DeployabilityResult {
  readonly images: readonly ImageResult[]
  readonly missing: readonly { readonly image: string; readonly platform: string }[]
  readonly published: readonly PublishResult[]
  readonly logTail: readonly string[]
}

/** The worst that happened decides: the commit's own failure before ours, because only its author can mend it. */
export function worstState(images: readonly ImageResult[]): ImageResultState {
  const order: readonly ImageResultState[] = [
    'failed',
    'timed_out',
    'infrastructure',
    'cancelled',
    'building',
    'waiting',
    'built',
  ]
  return order.find((state) => images.some((image) => image.state === state)) ?? 'reused'
}
