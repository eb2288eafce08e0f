import type { ConfigFault } from './config-source.ts'
import { placeholdersOf } from './fill-template.ts'
import type { Variables } from './repository-config.ts'
import { didYouMean } from './suggest.ts'
import type { KeyPath } from './yaml-reading.ts'

/** Placeholders of a text that nobody will fill in. A known name that ends in `:` takes an argument. */
export function templateFaults(text: string, path: KeyPath, known: readonly string[]): readonly ConfigFault[] {
  return placeholdersOf(text)
    .filter(
      (placeholder) =>
        !known.some((name) => (name.endsWith(':') ? takesArgument(placeholder, name) : placeholder === name)),
    )
    .map((placeholder) => ({
      path,
      message: `nothing is known for \${${placeholder}}`,
      hint:
        didYouMean(
          placeholder,
          known.map((name) => name.replace(/:$/, ':FILE')),
        ) ?? `write $\${${placeholder}} to keep it as text`,
    }))
}

export function variablesTemplateFaults(
  variables: Variables,
  path: KeyPath,
  known: readonly string[],
): readonly ConfigFault[] {
  return Object.entries(variables).flatMap(([name, value]) =>
    templateFaults(value, [...path, name], known).map((fault) => ({
      ...fault,
      hint: known.length === 0 ? 'only matrix axes are filled in here; write $${NAME} to keep it as text' : fault.hint,
    })),
  )
}

function takesArgument(placeholder: string, prefix: string): boolean {
  return placeholder.startsWith(prefix) && placeholder.length > prefix.length
}
