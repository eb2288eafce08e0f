/**
 * What a run found out, one view for each kind. A view parses the result as its feature wrote it; what it does not
 * understand (an older version's, none yet) is left out. To show a new kind, add a line to `VIEWS`.
 */
import type { RepositoryRef } from '../core/events.ts'
import type { Run, RunKind } from '../core/run.ts'
import { DeployabilityView } from './result-deployability.tsx'
import { ConfigView } from './result-config.tsx'
import { DeploymentView } from './result-deployment.tsx'
import { PackageView } from './result-package.tsx'
import { StageView } from './result-stage.tsx'

export interface ResultProps {
  readonly run: Run
  readonly repository: RepositoryRef
}

/** Views answer null when there is nothing to show yet. */
type ResultView = (props: ResultProps) => ReturnType<typeof DeployabilityView>

const VIEWS: Readonly<Record<RunKind, ResultView>> = {
  deployability: DeployabilityView,
  stage: StageView,
  deployment: DeploymentView,
  package: PackageView,
  config: ConfigView,
}

export function RunResult(props: ResultProps) {
  const View = VIEWS[props.run.kind]
  return <View {...props} />
}
