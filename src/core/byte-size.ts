const UNITS = ['', 'k', 'm', 'g', 't'] as const
const SIZE = /^(\d{1,15}(?:\.\d{1,3})?)\s*([kmgt]?)(?:i?b)?$/i

/** What to tell a person who wrote something else. */
export const BYTE_SIZE_FORM = 'a size such as 512k, 50m or 2g, or a number of bytes'

/** `512k`, `50m`, `2g`, `2GiB` or a number of bytes; powers of 1024, as Docker counts. Null for anything else. */
export function parseByteSize(input: string | number): number | null {
  const match = SIZE.exec(String(input).trim())
  if (match === null) return null
  const power = UNITS.findIndex((unit) => unit === (match[2] ?? '').toLowerCase())
  const bytes = Math.round(Number(match[1]) * 1024 ** power)
  return Number.isSafeInteger(bytes) ? bytes : null
}

/** A size for people: `999 B`, `1.5 KiB`, `50 MiB`. */
export function formatByteSize(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  const amount = Math.round((bytes / 1024 ** power) * 10) / 10
  return power === 0 ? `${amount} B` : `${amount} ${(UNITS[power] ?? '').toUpperCase()}iB`
}
