/**
 * Everything made on a Docker host carries the id of this installation, and what it was made for. Cleaning up and
 * taking over after a crash rest on these labels alone.
 *
 * A container inherits the labels of its image, so a container that somebody else starts from an image of ours shows
 * our id too. `slipway.object` tells what kind of object the labels were written for; only where it fits the object
 * itself is the object ours.
 */
export const LABEL = {
  instance: 'slipway.instance',
  run: 'slipway.run',
  step: 'slipway.step',
  service: 'slipway.service',
  release: 'slipway.release',
  object: 'slipway.object',
} as const

export type ObjectKind = 'container' | 'network' | 'volume' | 'image'

export interface Ownership {
  /** Id of this installation. */
  readonly instance: string
  readonly run?: string | undefined
  readonly step?: string | undefined
  readonly service?: string | undefined
  readonly release?: string | undefined
}

export type Labels = Readonly<Record<string, string>>

/** Marks that do not apply are written empty, because a container would otherwise inherit them from its image. */
export function ownershipLabels(kind: ObjectKind, owner: Ownership): Labels {
  return {
    [LABEL.instance]: owner.instance,
    [LABEL.run]: owner.run ?? '',
    [LABEL.step]: owner.step ?? '',
    [LABEL.service]: owner.service ?? '',
    [LABEL.release]: owner.release ?? '',
    [LABEL.object]: kind,
  }
}

/** What the labels of an object say; undefined when it is not ours. */
export function ownerOf(kind: ObjectKind, instance: string, labels: Labels | null | undefined): Ownership | undefined {
  if (labels?.[LABEL.instance] !== instance || labels[LABEL.object] !== kind) return undefined
  const value = (name: string): string | undefined => (labels[name] === '' ? undefined : labels[name])
  return {
    instance,
    run: value(LABEL.run),
    step: value(LABEL.step),
    service: value(LABEL.service),
    release: value(LABEL.release),
  }
}

/** The Engine's `filters` parameter: objects with all of these marks. */
export function ownershipFilter(owner: Ownership): { readonly label: readonly string[] } {
  const marks = (['instance', 'run', 'step', 'service', 'release'] as const).flatMap((mark) => {
    const value = owner[mark]
    return value === undefined ? [] : [`${LABEL[mark]}=${value}`]
  })
  return { label: marks }
}
