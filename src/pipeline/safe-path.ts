/** A relative path with forward slashes that stays below where it starts. */
export function isSafePath(path: string): boolean {
  if (path === '' || path.startsWith('/') || path.includes('\0') || path.includes('\\')) return false
  return path.split('/').every((part) => part !== '..')
}

const GLOB = /[*?[\]{}!]/

/** The folder in which everything that a pattern can match lies: `dist/js` for `dist/js/*.map`. Empty: anywhere. */
export function staticPrefix(pattern: string): string {
  const parts = pattern.split('/')
  const first = parts.findIndex((part) => GLOB.test(part))
  return first < 0 ? pattern : parts.slice(0, first).join('/')
}
