const MILLISECONDS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const DURATION = /^(\d{1,10}(?:\.\d{1,3})?)\s*([smhd])?$/

/** What to tell a person who wrote something else. */
export const DURATION_FORM = 'a duration such as 90s, 45m, 2h or 7d, or a number of seconds'

/** `90s`, `45m`, `2h`, `7d` or a number of seconds, in milliseconds; null for anything else. Never negative. */
export function parseDuration(input: string | number): number | null {
  const match = DURATION.exec(String(input).trim())
  if (match === null) return null
  const milliseconds = Math.round(Number(match[1]) * (MILLISECONDS[match[2] ?? 's'] ?? 0))
  return Number.isSafeInteger(milliseconds) ? milliseconds : null
}

/** A duration for people, its two largest parts: `240ms`, `1.5s`, `2m 5s`, `3h`, `7d 2h`. */
export function formatDuration(milliseconds: number): string {
  const rounded = Math.max(0, Math.round(milliseconds))
  if (rounded < 1000) return `${rounded}ms`
  if (rounded < 10_000) return `${Math.floor(rounded / 100) / 10}s`
  const seconds = Math.floor(rounded / 1000)
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}
