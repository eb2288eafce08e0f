/** Numbers of a version that take part in the order; `1.2` and `1.2.0` are equal. */
const PARTS = 6
/** Digits of one number. A longer one is no version anybody wrote by hand. */
const DIGITS = 18
/** `v1.2.3`, `1.2.3-rc.1+linux`, `mylib-1.2.3`, `release/1.2`. */
const VERSION =
  /^(?:[A-Za-z][A-Za-z0-9]*[-_/@])*[vV]?(\d{1,18}(?:\.\d{1,18}){0,5})(?:-([0-9A-Za-z.-]{1,100}))?(?:\+[0-9A-Za-z.-]{1,100})?$/
const NUMBER = /^\d{1,18}$/

/**
 * A text that sorts, byte by byte, like the version that a tag stands for: by semver's rules, a pre-release before its
 * release, and everything that is no version before all versions. Kept in a column, so the database pages by it.
 */
export function versionSortKey(tag: string): string {
  const match = VERSION.exec(tag)
  if (match === null) return `0${tag}`
  const numbers = (match[1] ?? '').split('.')
  const padded = Array.from({ length: PARTS }, (_, index) => (numbers[index] ?? '').padStart(DIGITS, '0'))
  return `1${padded.join('')}${preReleaseKey(match[2])}`
}

/** True for `2.0.0-rc.1`: never offered as the latest while there is a release. */
export function isPreRelease(tag: string): boolean {
  return VERSION.exec(tag)?.[2] !== undefined
}

/** `~` sorts after everything that a pre-release may hold; a space sorts before, so that fewer identifiers are less. */
function preReleaseKey(preRelease: string | undefined): string {
  if (preRelease === undefined) return '~'
  const identifiers = preRelease
    .split('.')
    .map((part) => (NUMBER.test(part) ? `0${part.padStart(DIGITS, '0')}` : `1${part}`))
  return `!${identifiers.join(' ')}`
}
