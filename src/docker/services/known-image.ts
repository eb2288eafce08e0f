/**
 * A driver that names an image as its host knows it: one that was streamed there is known by its id alone, although a
 * registry that this host does not reach has it under a digest.
 */
import type { Rollout, ServiceDriver } from '../../deployment/ports.ts'
import type { DockerEngine } from '../engine.ts'
import { inspectImage } from '../images.ts'

export function namingKnownImages(engine: DockerEngine, driver: ServiceDriver): ServiceDriver {
  return {
    ...driver,
    roll: async (rollout, hand) => driver.roll(await withKnownImage(engine, rollout), hand),
    look: async (rollout, isTrial) => driver.look(await withKnownImage(engine, rollout), isTrial),
  }
}

async function withKnownImage(engine: DockerEngine, rollout: Rollout): Promise<Rollout> {
  const { image } = rollout
  if (image.digest === null || (await inspectImage(engine, image.digest)) !== undefined) return rollout
  const isHere = (await inspectImage(engine, image.imageId)) !== undefined
  return isHere ? { ...rollout, image: { ...image, digest: null } } : rollout
}
