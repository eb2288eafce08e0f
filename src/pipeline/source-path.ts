import { posix } from 'node:path'
import { isSafePath } from './safe-path.ts'

/** A path that a tool printed as one of the repository; null when it lies elsewhere. `root` is where the tool saw the repository. */
export function sourcePath(printed: string, root: string): string | null {
  const relative = printed.startsWith(`${root}/`) ? printed.slice(root.length + 1) : printed
  const path = posix.normalize(relative)
  return isSafePath(path) && path !== '.' ? path : null
}
