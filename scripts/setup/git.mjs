import { install } from './debian.mjs'
import { which } from './run.mjs'

/** Sources are fetched with git. */
export async function provideGit({ announce }) {
  if (which('git') !== undefined) return
  await install({ announce, why: 'git is needed', packages: ['git', 'ca-certificates'] })
}
