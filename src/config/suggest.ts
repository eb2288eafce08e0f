/** Longer words are not compared: nobody mistypes them, and the comparison is quadratic. */
const MAX_WORD = 60

/** The allowed word that a mistyped one most likely meant, or null when none is near. */
export function nearestWord(word: string, allowed: readonly string[]): string | null {
  if (word.length > MAX_WORD) return null
  const scored = allowed
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.floor(candidate.length / 3)))
    .toSorted((a, b) => a.distance - b.distance)
  return scored[0]?.candidate ?? null
}

/** `did you mean x?` or, when nothing is near, the whole choice. */
export function didYouMean(word: string, allowed: readonly string[]): string | null {
  const nearest = nearestWord(word, allowed)
  if (nearest !== null) return `did you mean \`${nearest}\`?`
  if (allowed.length === 0) return null
  return `allowed: ${allowed.slice(0, 30).join(', ')}`
}

/** Insertions, deletions, replacements and swapped neighbours, each counting one. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1]
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current[column] = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    before = previous
    previous = current
  }
  return previous[b.length] ?? 0
}
