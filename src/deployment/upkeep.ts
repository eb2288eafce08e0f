/** What goes on between deployments: does it still run as released, which previews have ended, which images may go. */
import type { Clock } from '../core/clock.ts'
import { errorMessage } from '../core/errors.ts'
import { KEPT_RELEASES } from './control.ts'
import type { DriverOf, Hand, ImageDelivery, ImageSource, ReleaseStore, ServiceSecrets, ServiceStore } from './ports.ts'
import type { Drift, Release, Service } from './release.ts'
import { rolloutOf } from './rollout-of.ts'

export interface UpkeepDeps {
  readonly services: ServiceStore
  readonly releases: ReleaseStore
  readonly driverOf: DriverOf
  readonly secrets: ServiceSecrets
  readonly delivery: ImageDelivery
  readonly images: ImageSource
  readonly clock: Clock
}

/** Compares the host with the live release; null: it runs as it should, or nothing is live. Records what it finds. */
export async function checkDrift(deps: UpkeepDeps, service: Service): Promise<Drift | null> {
  const live = service.liveReleaseId === null ? null : await deps.releases.get(service.liveReleaseId)
  if (live === null || service.removedAt !== null) return null
  const found = await differenceOnHost(deps, service, live)
  const isKnown = found !== null && service.drift?.found === found
  const drift = found === null ? null : isKnown ? service.drift : { found, since: new Date(deps.clock.now()) }
  if (!isKnown && (found !== null || service.drift !== null)) await deps.services.setDrift(service.id, drift)
  return drift
}

async function differenceOnHost(deps: UpkeepDeps, service: Service, live: Release): Promise<string | null> {
  try {
    const rollout = await rolloutOf(service, live, live.runId, deps.secrets)
    const condition = await deps.driverOf(live.config.host, live.config.driver).look(rollout, false)
    switch (condition.kind) {
      case 'running':
        return null
      case 'absent':
        return 'it is not there any more'
      case 'replaced':
        return `something else runs in its place: ${condition.by}`
      case 'failed':
        return condition.failure.cause
    }
  } catch (error) {
    return `the host cannot be asked: ${errorMessage(error)}`
  }
}

/** Takes a preview away whose pull request is closed or whose time is over. */
export async function removeEndedPreview(deps: UpkeepDeps, service: Service, hand: Hand): Promise<void> {
  await deps.driverOf(service.host, service.driver).remove(service, hand)
  await deps.services.markRemoved(service.id)
}

/** Removes images of ours that no live or kept release needs, and says so in the history. */
export async function pruneImages(deps: UpkeepDeps): Promise<void> {
  const prunable = await deps.releases.prunable(KEPT_RELEASES)
  const byHost = groupByHost(prunable)
  for (const [host, releases] of byHost) {
    const needed = await deps.releases.neededImages(host, KEPT_RELEASES)
    const unneeded = [...new Set(releases.map((release) => release.imageId))].filter((imageId) => !needed.has(imageId))
    await deps.delivery.remove(unneeded, host)
    await deps.releases.markPruned(releases.map((release) => release.releaseId))
  }
}

/** The image from elsewhere that a service should run by now; null when it is not due, or still the same. */
export async function refreshDue(
  deps: UpkeepDeps,
  service: Service,
  lastLookMs: number | null,
  signal: AbortSignal,
): Promise<Release | null> {
  const live = service.liveReleaseId === null ? null : await deps.releases.get(service.liveReleaseId)
  if (live === null || live.config.image.kind !== 'ref' || live.config.image.refreshMs === null) return null
  if (lastLookMs !== null && deps.clock.now() - lastLookMs < live.config.image.refreshMs) return null
  const image = await deps.images.resolveImage(live.config.image.ref, service.host, signal)
  return image.imageId === live.image.imageId ? null : live
}

function groupByHost<Item extends { readonly host: string }>(
  items: readonly Item[],
): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) groups.set(item.host, [...(groups.get(item.host) ?? []), item])
  return groups
}
