/** What `slipway run` works with: the server's code for stages, on this machine's Docker, without a server or a database. */
import type { RepositoryConfigResult } from '../../config/parse-repository-config.ts'
import type { LogLine } from '../../core/run-log.ts'
import type { StageReport } from '../../core/stage-report.ts'
import type { StageEnd, StagePlan } from '../../pipeline/index.ts'

export interface LocalStage {
  readonly name: string
  readonly plan: StagePlan
}

export interface LocalStageListener {
  line(line: LogLine): void
  progress(report: StageReport): void
}

export interface LocalPipeline {
  readonly branch: string
  /** Runs one stage; fires `signal` to cancel it. Throws `host_unreachable` when there is no Docker. */
  execute(stage: LocalStage, listener: LocalStageListener, signal: AbortSignal): Promise<StageEnd>
  close(): Promise<void>
}

export interface LocalPipelineParts {
  parseManifest(text: Uint8Array, file: string): Promise<RepositoryConfigResult>
  /** @param directory its tree is the workspace; artifacts land in `.slipway/artifacts` there */
  open(directory: string): Promise<LocalPipeline>
}
