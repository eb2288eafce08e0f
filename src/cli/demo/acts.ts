/** The story, act by act (SPEC 12). */
import { breakDockerfile } from './acts/break-dockerfile.ts'
import { createRepository } from './acts/create-repository.ts'
import { deployLive } from './acts/deploy-live.ts'
import { fixDockerfile } from './acts/fix-dockerfile.ts'
import { releasePackage } from './acts/release-package.ts'
import { rollBack } from './acts/roll-back.ts'
import { runPipeline } from './acts/run-pipeline.ts'
import type { Act } from './stage.ts'

export const ACTS: readonly Act[] = [
  createRepository,
  breakDockerfile,
  fixDockerfile,
  runPipeline,
  deployLive,
  rollBack,
  releasePackage,
]
