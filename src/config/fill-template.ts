const PLACEHOLDER = /\$\$\{|\$\{([^{}$]{0,200})\}/g

export interface FilledTemplate {
  readonly text: string
  /** Placeholders nothing is known for, in order; they stay in the text as they are. */
  readonly unknown: readonly string[]
}

/**
 * Fills `${name}` once: what is filled in is never looked at again, so a branch named `${secret}` stays one.
 * `$${` stands for a literal `${`. The resolver gets the text between the braces (`branch`, `hash:package-lock.json`).
 */
export function fillTemplate(template: string, resolve: (name: string) => string | undefined): FilledTemplate {
  const unknown: string[] = []
  const text = template.replace(PLACEHOLDER, (written, name: string | undefined) => {
    if (name === undefined) return '${'
    const value = resolve(name)
    if (value === undefined) unknown.push(name)
    return value ?? written
  })
  return { text, unknown }
}

/** As above, from a table; names such as `constructor` are unknown, not inherited. */
export function fillFrom(template: string, values: Readonly<Record<string, string>>): FilledTemplate {
  return fillTemplate(template, (name) => (Object.hasOwn(values, name) ? values[name] : undefined))
}

/** The names a template asks for. */
export function placeholdersOf(template: string): readonly string[] {
  return fillTemplate(template, () => undefined).unknown
}
