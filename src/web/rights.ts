/**
 * Who may see and do what: admins everything, everyone else what GitHub lets them do with the repository. That somebody
 * may read is remembered for a minute, so that a page of many repositories asks GitHub once; the right to change
 * something is asked anew each time.
 */
import { errorMessage } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { GitHubRights, RepositoryRecord, RepositoryStore } from '../flow/ports.ts'
import type { Session } from './session.ts'

/** Somebody who lost their permission may look for this much longer. */
const REMEMBERED_MS = 60_000
/** Then everything is asked again; an answer costs one request. */
const MOST_REMEMBERED = 20_000

export interface RightsDeps {
  readonly repositories: Pick<RepositoryStore, 'listActive'>
  readonly github: GitHubRights
  /** `PUBLIC_RUNS`: what is public on GitHub may be read by anyone. */
  readonly arePublicRunsOpen: boolean
  readonly now: () => number
  readonly logger: Logger
}

export interface Rights {
  mayRead(session: Session | null, repository: RepositoryRecord): Promise<boolean>
  /** Asked of GitHub at this moment. */
  mayWrite(session: Session | null, repository: RepositoryRecord): Promise<boolean>
  /** Active repositories that the visitor may read. */
  readable(session: Session | null): Promise<readonly RepositoryRecord[]>
}

export function createRights(deps: RightsDeps): Rights {
  const remembered = new Map<string, { readonly until: number; readonly answer: Promise<boolean> }>()

  async function canRead(repository: RepositoryRecord, login: string): Promise<boolean> {
    const key = `${repository.id} ${repository.isPrivate} ${login.toLowerCase()}`
    const known = remembered.get(key)
    if (known !== undefined && known.until > deps.now()) return await known.answer
    if (remembered.size >= MOST_REMEMBERED) remembered.clear()
    const answer = deps.github.canRead(repository, login)
    remembered.set(key, { until: deps.now() + REMEMBERED_MS, answer })
    return await answer.catch((error: unknown) => {
      remembered.delete(key)
      deps.logger.warn({ repository: repository.id, err: errorMessage(error) }, 'GitHub did not say who may read')
      return false
    })
  }

  const rights: Rights = {
    async mayRead(session, repository) {
      if (session?.isAdmin === true) return true
      if (deps.arePublicRunsOpen && !repository.isPrivate) return true
      return session?.login != null && (await canRead(repository, session.login))
    },
    async mayWrite(session, repository) {
      if (session?.isAdmin === true) return true
      return session?.login != null && (await deps.github.canWrite(repository, session.login))
    },
    async readable(session) {
      const all = await deps.repositories.listActive()
      const may = await Promise.all(all.map((repository) => rights.mayRead(session, repository)))
      return all.filter((_, index) => may[index])
    },
  }
  return rights
}
