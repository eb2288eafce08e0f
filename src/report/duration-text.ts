/** How long something took, as people say it: `850 ms`, `12 s`, `3 min 5 s`, `2 h 10 min`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return join([`${minutes} min`, seconds % 60 > 0 && `${seconds % 60} s`])
  return join([`${Math.floor(minutes / 60)} h`, minutes % 60 > 0 && `${minutes % 60} min`])
}

function join(parts: readonly (string | false)[]): string {
  return parts.filter((part) => part !== false).join(' ')
}
