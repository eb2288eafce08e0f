/** What a feature brings to the process; `start.ts` joins them. Everything is optional, nothing knows the others. */
import type { Hono } from 'hono'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { OwnedObject } from '../docker/sweep.ts'
import type { DesiredCheck } from '../core/check.ts'
import type { Run, RunKind } from '../core/run.ts'
import type { RunJob } from '../core/run-store.ts'
import type { ServerConfig } from '../config/server-config.ts'
import type { RunPlanner } from '../flow/commit.ts'
import type { FlowHooks } from '../flow/deps.ts'
import type { JobHandlers } from '../queue/ports.ts'
import type { Chore } from '../queue/ticker.ts'
import type { SendResult } from '../github/send-reports.ts'

/** Routers differ in the variables of their middleware; mounting does not mind. */
// eslint-disable-next-line typescript/no-explicit-any -- Hono's own type for "some router"
export type Routes = Hono<any>

export interface RunKindParts {
  /** The job that does such a run, null when it cannot be done again as it is. */
  jobOf(run: Run, plan: unknown): RunJob | null
  queuedCheck(run: Pick<Run, 'kind' | 'name'>): DesiredCheck
  withoutCache(run: Run): unknown
  /** For kinds whose new attempts are more than a repetition of the plan; null: nothing was started. */
  rerun?(run: Run, actor: string): Promise<Run | null>
}

export interface Feature {
  readonly planners?: readonly RunPlanner[]
  /** Jobs that do runs. */
  readonly handlers?: JobHandlers
  /** Jobs beside the runs: short, and never kept waiting by them. */
  readonly choreHandlers?: JobHandlers
  readonly chores?: readonly Chore[]
  readonly routes?: readonly Routes[]
  readonly runKinds?: Partial<Record<RunKind, RunKindParts>>
  readonly hooks?: Partial<FlowHooks>
  /** True when the button was this feature's business. */
  readonly onButton?: (run: Run, button: string, actor: string) => Promise<boolean>
  /** Another outbox of an installation. */
  readonly sendOther?: (installationId: number) => Promise<SendResult>
  /** True when the upgrade was taken. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean
  /** Which objects on Docker hosts must stay although no open run names them; asked before each sweep. */
  readonly keepOnHosts?: () => Promise<(host: string, object: OwnedObject) => boolean>
  /** The admin's file as it is now: at start, and whenever it is applied again. Safe to repeat. */
  readonly applyConfig?: (config: ServerConfig) => Promise<void>
  /** Before anything is taken from the queue: applies configuration, restores what a host lost. */
  readonly start?: () => Promise<void>
  readonly stop?: () => Promise<void>
}
