/** How an image gets to where it runs: it is there, or a registry has it, or it is streamed from Engine to Engine. */
import { SlipwayError } from '../../core/errors.ts'
import type { ImageDelivery } from '../../deployment/ports.ts'
import type { ReleaseImage } from '../../deployment/index.ts'
import type { DockerEngine } from '../engine.ts'
import { copyImage, inspectImage, pullImage, removeImage } from '../images.ts'
import { ownerOf } from '../labels.ts'
import type { RegistryLogins } from '../registry-auth.ts'

export interface ImageDeliveryOptions {
  readonly engineOf: (host: string) => DockerEngine
  readonly instance: string
  readonly logins: () => RegistryLogins
}

export function createImageDelivery({ engineOf, instance, logins }: ImageDeliveryOptions): ImageDelivery {
  async function deliver(image: ReleaseImage, host: string, signal: AbortSignal): Promise<void> {
    const target = engineOf(host)
    if ((await inspectImage(target, image.digest ?? image.imageId)) !== undefined) return
    const pulled = image.digest === null ? null : await pullImage(target, image.digest, { logins: logins(), signal })
    if (pulled?.kind === 'pulled') return
    const source = image.host === host ? undefined : await inspectImage(engineOf(image.host), image.imageId)
    if (source === undefined) {
      const why = pulled === null ? 'it was never published, and no host has it any more' : pulled.message
      throw new SlipwayError(
        'not_found',
        `the image ${image.digest ?? image.imageId} cannot be brought to ${host}: ${why}`,
      )
    }
    await copyImage(engineOf(image.host), target, image.imageId, { signal })
  }

  return {
    deliver,
    async remove(imageIds, host) {
      const engine = engineOf(host)
      for (const id of imageIds) {
        const image = await inspectImage(engine, id)
        if (image !== undefined && ownerOf('image', instance, image.labels) !== undefined) await removeImage(engine, id)
      }
    },
  }
}
