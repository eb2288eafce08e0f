/**
 * Lists and removes what this installation made on a host. The Engine filters by our label and every object is looked
 * at once more here before it is touched, so that a mistake in a filter can never cost somebody else's container.
 */
import { z } from 'zod'
import type { DockerEngine, EngineRequest } from './engine.ts'
import { segment } from './engine.ts'
import { engineFailure } from './engine-error.ts'
import { ownerOf, ownershipFilter } from './labels.ts'
import type { ObjectKind, Ownership } from './labels.ts'

export interface OwnedObject {
  readonly kind: ObjectKind
  readonly id: string
  readonly owner: Ownership
  /** Milliseconds since the epoch by the host's clock; for an image, when its content was made. */
  readonly createdAt: number
}

export interface SweepResult {
  readonly removed: readonly OwnedObject[]
  /** Still in use or refused; the next sweep tries again. */
  readonly remaining: readonly (OwnedObject & { readonly reason: string })[]
}

/** `owner` narrows to one run, step, service or release of the installation. */
export async function listOwned(engine: DockerEngine, owner: Ownership): Promise<readonly OwnedObject[]> {
  const filters = ownershipFilter(owner)
  const [containers, networks, volumes, images] = await Promise.all([
    engine.call({ method: 'GET', path: '/containers/json', query: { all: true, filters } }),
    engine.call({ method: 'GET', path: '/networks', query: { filters } }),
    engine.call({ method: 'GET', path: '/volumes', query: { filters } }),
    engine.call({ method: 'GET', path: '/images/json', query: { filters } }),
  ])
  const owned = (
    kind: ObjectKind,
    id: string,
    labels: Record<string, string> | null | undefined,
    createdAt: number,
  ): readonly OwnedObject[] => {
    const found = ownerOf(kind, owner.instance, labels)
    return found === undefined ? [] : [{ kind, id, owner: found, createdAt }]
  }
  return [
    ...containerList.parse(containers).flatMap((one) => owned('container', one.Id, one.Labels, one.Created * 1000)),
    ...networkList.parse(networks).flatMap((one) => owned('network', one.Id, one.Labels, Date.parse(one.Created))),
    ...(volumeList.parse(volumes).Volumes ?? []).flatMap((one) =>
      owned('volume', one.Name, one.Labels, Date.parse(one.CreatedAt ?? '')),
    ),
    ...imageList.parse(images).flatMap((one) => owned('image', one.Id, one.Labels, one.Created * 1000)),
  ]
}

/** Removes what `keep` does not want, containers first because they hold on to the rest. */
export async function sweepOwned(
  engine: DockerEngine,
  owner: Ownership,
  keep: (object: OwnedObject) => boolean,
): Promise<SweepResult> {
  const unwanted = (await listOwned(engine, owner)).filter((object) => !keep(object))
  const removed: OwnedObject[] = []
  const remaining: (OwnedObject & { readonly reason: string })[] = []
  for (const kind of ['container', 'network', 'volume', 'image'] as const) {
    await Promise.all(
      unwanted
        .filter((object) => object.kind === kind)
        .map(async (object) => {
          const reason = await removeObject(engine, object)
          if (reason === undefined) removed.push(object)
          else remaining.push({ ...object, reason })
        }),
    )
  }
  return { removed, remaining }
}

export function removeRequest(object: Pick<OwnedObject, 'kind' | 'id'>): EngineRequest {
  const id = segment(object.id)
  switch (object.kind) {
    case 'container':
      return { method: 'DELETE', path: `/containers/${id}`, query: { force: true, v: true } }
    case 'network':
      return { method: 'DELETE', path: `/networks/${id}` }
    case 'volume':
      return { method: 'DELETE', path: `/volumes/${id}` }
    case 'image':
      // Forced, or an image with several tags stays; one that a container uses is refused all the same.
      return { method: 'DELETE', path: `/images/${id}`, query: { force: true } }
  }
}

/** Undefined when the object is gone, whoever removed it; else why it is not. */
async function removeObject(engine: DockerEngine, object: OwnedObject): Promise<string | undefined> {
  try {
    await engine.call(removeRequest(object))
    return undefined
  } catch (thrown) {
    const failure = engineFailure(thrown)
    if (failure.kind === 'unreachable') throw thrown
    return failure.kind === 'not_found' ? undefined : failure.message
  }
}

const labels = z.record(z.string(), z.string()).nullish()
const containerList = z.array(z.object({ Id: z.string(), Labels: labels, Created: z.number() }))
const networkList = z.array(z.object({ Id: z.string(), Labels: labels, Created: z.string() }))
const volumeList = z.object({
  Volumes: z.array(z.object({ Name: z.string(), Labels: labels, CreatedAt: z.string().optional() })).nullish(),
})
const imageList = z.array(z.object({ Id: z.string(), Labels: labels, Created: z.number() }))
