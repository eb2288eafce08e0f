/**
 * A value that must not reach a log, a page or a table in clear. Whatever prints it — a template string, JSON,
 * the inspector, a logger — gets `***`; only `reveal` gives the text, so a search for `reveal(` finds every use.
 */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  static reveal(secret: Secret): string {
    return secret.#text
  }

  toString(): string {
    return '***'
  }

  toJSON(): string {
    return '***'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '***'
  }
}

export function secretOf(text: string): Secret {
  return new Secret(text)
}

/** The text itself, for the one call that needs it. */
export function reveal(secret: Secret): string {
  return Secret.reveal(secret)
}
