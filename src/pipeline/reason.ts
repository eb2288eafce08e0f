/** Why something happens or not, filter by filter: the same tree is the decision, the page's explanation and the check run's sentence. */
export interface Reason {
  readonly holds: boolean
  readonly text: string
  readonly because: readonly Reason[]
}

export function reason(holds: boolean, text: string, because: readonly Reason[] = []): Reason {
  return { holds, text, because }
}

export function allOf(text: string, parts: readonly Reason[]): Reason {
  return reason(
    parts.every((part) => part.holds),
    text,
    parts,
  )
}

export function anyOf(text: string, parts: readonly Reason[]): Reason {
  return reason(
    parts.some((part) => part.holds),
    text,
    parts,
  )
}

/** One sentence: the parts that decided, deepest first. */
export function sentence(tree: Reason): string {
  const deciding = tree.because.filter((part) => part.holds === tree.holds)
  return deciding.length === 0 ? tree.text : deciding.map(sentence).join(tree.holds ? ', ' : '; ')
}

/** The tree as indented lines with marks, for a page or a terminal. */
export function reasonLines(tree: Reason, depth = 0): readonly string[] {
  return [
    `${'  '.repeat(depth)}${tree.holds ? '✓' : '✗'} ${tree.text}`,
    ...tree.because.flatMap((part) => reasonLines(part, depth + 1)),
  ]
}
