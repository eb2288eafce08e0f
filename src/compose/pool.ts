/** The release pool as a feature of the process. */
import { createPoolApiRoutes } from '../http/pool-api.ts'
import { createCompatiblePoolRoutes } from '../http/pool-compatible.ts'
import { createTokenApiRoutes } from '../http/tokens-api.ts'
import {
  applyPoolConfig,
  createHookCaller,
  createHttpProbe,
  createPoolJobs,
  extendForRun,
  releaseByFact,
  releaseForRun,
  type PoolStore,
} from '../pool/index.ts'
import { createPoolPages } from '../web/pool-pages.tsx'
import { createPoolStore } from '../store/pool/pool-store.ts'
import { startPoolSignals, type RunningPoolSignals } from '../store/pool/signals.ts'
import { createCleaningRunner } from './cleaning-runner.ts'
import { webUrlOf } from './github-credentials.ts'
import { createWebGuard } from './web-guard.ts'
import type { Feature } from './feature.ts'
import type { Foundation } from './foundation.ts'

/** SPEC: an expired reservation ends within 5 s of being due; two sweeps fit into that. */
const SWEEP_INTERVAL_MS = 2_000
/** What the button of a check run gives. */
const EXTENSION_MS = 30 * 60_000

export interface PoolParts {
  readonly store: PoolStore
  readonly signals: RunningPoolSignals
}

export function createPoolFeature(base: Foundation): { readonly feature: Feature; readonly parts: PoolParts } {
  const { metrics, cipher, authenticate, tokens } = base
  const store = createPoolStore(base.db, {
    waited: (pool, ms) => metrics.observe('slipway_pool_wait_seconds', ms / 1000, { pool }),
    held: (pool, ms) => metrics.observe('slipway_pool_hold_seconds', ms / 1000, { pool }),
    ended: (pool, ending) => metrics.count('slipway_pool_reservations_total', { pool, outcome: ending }),
    failed: (pool, what) => metrics.count('slipway_pool_failures_total', { pool, what }),
  })
  const signals = startPoolSignals(store, base.notifications, base.logger)
  const jobs = createPoolJobs({
    store,
    cipher,
    cleaningRunner: createCleaningRunner(base),
    callHook: createHookCaller(fetch),
    probe: createHttpProbe(fetch),
    clock: base.clock,
  })
  const http = { store, signals, authenticate, cipher }
  metrics.gauge('slipway_pool_instances', 'Instances, by pool and state', ['pool', 'state'], async () => {
    const overviews = await store.overviews()
    return overviews.flatMap(({ pool, counts }) =>
      Object.entries(counts).map(([state, value]) => ({ value, labels: { pool: pool.name, state } })),
    )
  })
  return {
    parts: { store, signals },
    feature: {
      choreHandlers: jobs,
      chores: [
        {
          name: 'pool sweep',
          everyMs: SWEEP_INTERVAL_MS,
          async run() {
            await store.sweep()
          },
        },
      ],
      routes: [
        createCompatiblePoolRoutes({ ...http, listTokens: base.settings.poolListTokens, newId: base.newId }),
        createPoolApiRoutes(http),
        createTokenApiRoutes({ authenticate, tokens }),
        createPoolPages({
          store,
          signals,
          cipher,
          guard: createWebGuard(base).guard,
          logger: base.logger,
          githubUrl: webUrlOf(base.settings),
        }),
      ],
      hooks: {
        async workflowRunCompleted({ repository, workflowRunId, runNumber, completedAt }) {
          const { owner, name } = repository
          await releaseByFact(store, {
            kind: 'workflow_run_completed',
            owner,
            name,
            workflowRunId,
            runNumber,
            completedAt,
          })
        },
        async pullRequestClosed(repository, pullRequest) {
          await releaseByFact(store, {
            kind: 'pull_request_closed',
            repositoryId: repository.id,
            pullRequest: pullRequest.number,
          })
        },
        async branchDeleted(repository, branch) {
          await releaseByFact(store, { kind: 'branch_deleted', repositoryId: repository.id, branch })
        },
        async repositoriesGone(repositories) {
          await releaseByFact(store, { kind: 'repositories_gone', repositories })
        },
      },
      async onButton(run, button, actor) {
        if (button === 'extend') {
          const until = await extendForRun({ store }, run.id, EXTENSION_MS, actor)
          const told = until === null ? 'holds no instance' : `holds its instance until ${until.toISOString()}`
          await base.runs.note(run.id, 'extended', `${actor} pressed Extend: the run ${told}`)
          return true
        }
        if (button !== 'release') return false
        await releaseForRun({ store }, run.id, { actor, reason: 'released by its button' })
        await base.runs.note(run.id, 'released', `${actor} gave the instance back`)
        return true
      },
      async applyConfig(config) {
        await applyPoolConfig({ store, cipher }, config.pools)
        await tokens.applyConfig(config.tokens)
      },
      stop: () => signals.stop(),
    },
  }
}
