/** Bytes; what file systems allow for one name. */
const LONGEST_TAG = 255
/** Control characters, space and what git gives a meaning of its own. */
// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0020\u007F~^:?*[\\]|\.\.|@\{|\/\//

/**
 * Whether git itself would take the name for a tag (the rules of git-check-ref-format). A name that is one may still
 * hold `$(...)`, quotes or other scripts' letters: it is data everywhere, and never part of a path.
 */
export function isTagName(name: string): boolean {
  if (name === '' || name === '@' || Buffer.byteLength(name) > LONGEST_TAG || FORBIDDEN.test(name)) return false
  if (name.startsWith('-') || name.startsWith('/') || name.endsWith('/') || name.endsWith('.')) return false
  return name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'))
}
