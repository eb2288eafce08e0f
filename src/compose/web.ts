/** The dashboard as a feature of the process: pages, log-in, set-up, and the native API of runs. */
import { ROUTES } from '../app/routes.ts'
import { repositoryJsonSchema, serverJsonSchema } from '../config/json-schema.ts'
import type { SlipwayEvent } from '../core/events.ts'
import { pressButton } from '../flow/on-button.ts'
import { rerun } from '../flow/on-rerun.ts'
import { rehearseEvent } from '../flow/rehearse-event.ts'
import { createAdminApiRoutes } from '../http/admin-api.ts'
import { describeApi } from '../http/describe-api.ts'
import { remoteAddress } from '../http/require-scope.ts'
import { createRunsApiRoutes } from '../http/runs-api.ts'
import { readAudit, writeAudit } from '../store/audit.ts'
import { createDeliveryStore } from '../store/deliveries.ts'
import { createRunBoard } from '../store/run-board.ts'
import { RUNS_CHANNEL } from '../store/runs.ts'
import { createSecretBook } from '../store/secrets.ts'
import { createAuditRoutes } from '../web/audit-page.tsx'
import { createDeliveryRoutes } from '../web/delivery-routes.tsx'
import { createDocsRoutes } from '../web/docs-routes.tsx'
import { createLoginRoutes } from '../web/login-routes.tsx'
import { createOverviewRoutes } from '../web/overview-routes.tsx'
import type { AuditBook } from '../web/ports.ts'
import { createRights } from '../web/rights.ts'
import { createRunRoutes } from '../web/run-routes.tsx'
import { createAssetRoutes } from '../web/serve-assets.ts'
import { createSettingsRoutes } from '../web/settings-routes.tsx'
import { describeHosts } from './describe-hosts.ts'
import type { Feature } from './feature.ts'
import type { Later } from './features.ts'
import type { Foundation } from './foundation.ts'
import { createOAuth } from './oauth.ts'
import { createSetup } from './setup.ts'
import { createWebGuard } from './web-guard.ts'

export function createWebFeature(base: Foundation, later: Later): Feature {
  const { logger, authenticate, repositories, tokens } = base
  const { guard, sessions } = createWebGuard(base)
  const now = (): number => base.clock.now()
  const audit: AuditBook = {
    write: (entry) => writeAudit(base.db, entry),
    read: (limit, before) => readAudit(base.db, limit, before),
  }
  const oauth = createOAuth(base)
  const setup = createSetup(base, audit, {
    async onCredentials(credentials) {
      later.webhooks().setStoredSecret(credentials.webhookSecret)
      await oauth.load()
    },
  })
  const rights = createRights({
    repositories,
    github: base.reader,
    arePublicRunsOpen: base.settings.publicRuns,
    now: () => base.clock.monotonic(),
    logger,
  })
  const listen = (listener: (runId: string) => void) => base.notifications.subscribe(RUNS_CHANNEL, listener)
  const board = createRunBoard(base.db)
  const deliveries = createDeliveryStore(base.db)
  const secrets = createSecretBook(base.db, base.cipher)
  const runs = {
    board,
    story: (runId: string) => base.runs.story(runId),
    repositories,
    press: (...[run, button, actor]: Parameters<RunActions['press']>) => pressButton(later.flow(), run, button, actor),
    rerun: (...[run, actor]: Parameters<RunActions['rerun']>) => rerun(later.flow(), run, actor, { useCache: true }),
  }
  return {
    routes: [
      createAssetRoutes(),
      setup.routes,
      createRunRoutes({ ...runs, guard, rights, logs: base.logs, listen, audit, now, logger }),
      createOverviewRoutes({
        guard,
        rights,
        board,
        repositories,
        refs: base.refs,
        configAt: (repository, sha, treeSha) => later.flow().configAt(repository, sha, treeSha),
        listen,
        now,
        logger,
      }),
      createDeliveryRoutes({
        guard,
        deliveries,
        repositories,
        readEvent: (event, payload) => readEvent(event, payload, base.github.appId()),
        rehearse: (event) => rehearseEvent(later.flow(), event),
        logger,
      }),
      createSettingsRoutes({
        guard,
        hosts: () => describeHosts(base),
        config: base.serverConfig,
        secrets,
        tokens,
        logger,
      }),
      createAuditRoutes({ guard, audit, logger }),
      createLoginRoutes({
        guard,
        sessions,
        gitHub: oauth.current,
        checkToken: authenticate,
        addressOf: remoteAddress,
        sealer: base.cipher,
        audit,
        baseUrl: base.settings.baseUrl,
        logger,
      }),
      createDocsRoutes({
        openApi: () => describeApi(later.routes(), base.settings.baseUrl),
        repositorySchema: repositoryJsonSchema,
        serverSchema: serverJsonSchema,
        visitor: (context) => sessions.find(context),
      }),
      createRunsApiRoutes({ ...runs, runs: board, authenticate, audit: audit.write, detailsUrl: base.detailsUrl }),
      createAdminApiRoutes({ authenticate, secrets, deliveries }),
    ],
    async start() {
      await oauth.load()
      await setup.start()
    },
    async stop() {
      setup.stop()
    },
  }
}

type RunActions = Parameters<typeof createRunRoutes>[0]

/** What a stored delivery means; null for events that are stored as ignored. */
function readEvent(event: string, payload: unknown, appId: number | null): SlipwayEvent | null {
  return isRouted(event) ? ROUTES[event](payload, appId) : null
}

function isRouted(event: string): event is keyof typeof ROUTES {
  return Object.hasOwn(ROUTES, event)
}
