/** `registry.example.com:5000/acme/web:live@sha256:...`, taken apart. */
export interface ImageReference {
  /** Host and port of the registry. */
  readonly registry: string
  /** Everything before tag and digest, as it was written. */
  readonly name: string
  readonly tag: string | undefined
  readonly digest: string | undefined
}

/** What a name without a registry means to every Engine. */
export const DEFAULT_REGISTRY = 'docker.io'

export function parseImageReference(reference: string): ImageReference {
  const [beforeDigest = '', digest] = reference.split('@', 2)
  // A colon before the last slash belongs to the registry's port.
  const colon = beforeDigest.indexOf(':', beforeDigest.lastIndexOf('/') + 1)
  const name = colon === -1 ? beforeDigest : beforeDigest.slice(0, colon)
  const tag = colon === -1 ? undefined : beforeDigest.slice(colon + 1)
  return { registry: registryOf(name), name, tag, digest }
}

/** The first part is a registry when it could not be an account: it has a dot or a port, or is this machine. */
function registryOf(name: string): string {
  const slash = name.indexOf('/')
  const first = slash === -1 ? '' : name.slice(0, slash)
  return /[.:]/.test(first) || first === 'localhost' ? first : DEFAULT_REGISTRY
}
