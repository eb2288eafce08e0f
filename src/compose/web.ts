/** The dashboard as a feature of the process. */
import type { FlowDeps } from '../flow/deps.ts'
import { remoteAddress } from '../http/require-scope.ts'
import { pressButton } from '../flow/on-button.ts'
import { rerun } from '../flow/on-rerun.ts'
import { readAudit, writeAudit } from '../store/audit.ts'
import { createRunBoard } from '../store/run-board.ts'
import { RUNS_CHANNEL } from '../store/runs.ts'
import type { AuditBook } from '../web/ports.ts'
import { createGitHubLogin, type GitHubLogin } from '../web/github-login.ts'
import { createLoginRoutes } from '../web/login-routes.tsx'
import { createOverviewRoutes } from '../web/overview-routes.tsx'
import { createRights } from '../web/rights.ts'
import { createRunRoutes } from '../web/run-routes.tsx'
import { createAssetRoutes } from '../web/serve-assets.ts'
import type { Feature } from './feature.ts'
import type { Foundation } from './foundation.ts'
import { apiUrlOf, webUrlOf } from './github-credentials.ts'
import { createWebGuard } from './web-guard.ts'

/** Parts of the flow that exist only once all features are joined. */
export interface WebLater {
  flow(): FlowDeps
}

export function createWebFeature(base: Foundation, later: WebLater): Feature {
  const { guard, sessions } = createWebGuard(base)
  const { logger } = base
  const rights = createRights({
    repositories: base.repositories,
    github: base.reader,
    arePublicRunsOpen: base.settings.publicRuns,
    now: () => base.clock.monotonic(),
    logger,
  })
  const audit: AuditBook = {
    write: (entry) => writeAudit(base.db, entry),
    read: (limit, before) => readAudit(base.db, limit, before),
  }
  let stored: GitHubLogin | null = null
  const gitHub = (): GitHubLogin | null => stored
  async function loadOAuth(): Promise<void> {
    const { githubClientId, githubClientSecret, baseUrl } = base.settings
    const made = await base.credentials.load()
    const clientId = githubClientId ?? made?.clientId ?? null
    const clientSecret = githubClientSecret ?? made?.clientSecret ?? null
    if (clientId === null || clientSecret === null) return
    stored = createGitHubLogin({
      clientId,
      clientSecret,
      webUrl: webUrlOf(base.settings),
      apiUrl: apiUrlOf(base.settings),
      redirectUri: `${baseUrl}/login/callback`,
    })
  }
  const listen = (listener: (runId: string) => void) => base.notifications.subscribe(RUNS_CHANNEL, listener)
  const board = createRunBoard(base.db)
  return {
    routes: [
      createAssetRoutes(),
      createRunRoutes({
        guard,
        rights,
        board,
        story: (runId) => base.runs.story(runId),
        repositories: base.repositories,
        logs: base.logs,
        listen,
        audit,
        press: (run, button, actor) => pressButton(later.flow(), run, button, actor),
        rerun: (run, actor) => rerun(later.flow(), run, actor, { useCache: true }),
        now: () => base.clock.now(),
        logger,
      }),
      createOverviewRoutes({
        guard,
        rights,
        board,
        repositories: base.repositories,
        refs: base.refs,
        configAt: (repository, sha, treeSha) => later.flow().configAt(repository, sha, treeSha),
        listen,
        now: () => base.clock.now(),
        logger,
      }),
      createLoginRoutes({
        guard,
        sessions,
        gitHub,
        checkToken: base.authenticate,
        addressOf: remoteAddress,
        sealer: base.cipher,
        audit,
        baseUrl: base.settings.baseUrl,
        logger,
      }),
    ],
    start: loadOAuth,
  }
}
