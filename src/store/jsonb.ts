/**
 * A value as text for a jsonb column. PostgreSQL refuses two things that are legal in JSON, and logs, titles and file
 * names of a repository may hold both: NUL, and one half of a surrogate pair, as it is left where a text was cut.
 */
export function toJsonb(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? storableText(part) : part))
}

/** The same for text columns. */
export function storableText(text: string): string {
  return text.replaceAll(/[\0\p{Surrogate}]/gu, '\uFFFD')
}
