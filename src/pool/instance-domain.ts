/** An instance's domain is a host name, with a port where it has one; a URL is accepted and reduced to it. */

const HOST =
  /^(?=.{1,253}(?::|$))[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*(?::\d{1,5})?$/i

/** Lower case, without scheme and closing slash; null when it is not a host name. */
export function parseDomain(text: string): string | null {
  const bare = text
    .trim()
    .replace(/^https?:\/\//i, '')
    .replace(/\/$/, '')
  return HOST.test(bare) ? bare.toLowerCase() : null
}

/** Binds an instance's encrypted token to its place. */
export function tokenContext(domain: string): string {
  return `pool-instance:${domain}`
}
