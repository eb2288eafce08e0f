import { z } from 'zod'
import { fullNameOfUrl, parseFullName, type FullName } from './full-name.ts'
import { isTagName } from './tag-name.ts'

export interface PackageDependency extends FullName {
  readonly tag: string
}

/** More are not followed: nobody lists them by hand, and each costs a look at a repository. */
const MOST_DEPENDENCIES = 200

const entry = z.object({
  name: z.string().optional(),
  fullname: z.string().optional(),
  url: z.string().optional(),
  tag: z.string().optional(),
})
const file = z.object({ deps: z.array(z.unknown()).default([]) })

/**
 * The tagged dependencies that a package's own configuration names. Those that follow a branch are left out, and so
 * is what cannot be read: the build tool itself says what is wrong with its file.
 */
export function readDependencies(text: string): readonly PackageDependency[] {
  const parsed = file.safeParse(parseJson(text))
  if (!parsed.success) return []
  const found = parsed.data.deps.slice(0, MOST_DEPENDENCIES).flatMap((written) => {
    const dependency = entry.safeParse(written)
    if (!dependency.success) return []
    const { fullname, url, tag } = dependency.data
    const name =
      (fullname === undefined ? null : parseFullName(fullname)) ?? (url === undefined ? null : fullNameOfUrl(url))
    return name === null || tag === undefined || !isTagName(tag) ? [] : [{ ...name, tag }]
  })
  return [...new Map(found.map((one) => [`${one.owner}/${one.name}@${one.tag}`.toLowerCase(), one])).values()]
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
