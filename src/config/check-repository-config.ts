import { matrixFaults } from './check-matrix.ts'
import { collisionFaults, pipelineFaults } from './check-pipeline.ts'
import { imageFaults, serviceFaults } from './check-services.ts'
import { templateFaults } from './check-templates.ts'
import type { ConfigFault, ConfigSource } from './config-source.ts'
import type { PackageConfig, RepositoryConfig } from './repository-config.ts'

/** What a schema cannot see: names that refer to nothing, cycles, collisions, placeholders nobody fills in. */
export function checkRepositoryConfig(config: RepositoryConfig, source: ConfigSource): readonly ConfigFault[] {
  return [
    ...lossyNumberFaults(source),
    ...imageFaults(config),
    ...serviceFaults(config),
    ...(config.pipeline === null ? [] : pipelineFaults(config.pipeline, source)),
    ...collisionFaults(Object.keys(config.packages), ['packages']),
    ...Object.values(config.packages).flatMap(packageFaults),
  ]
}

function packageFaults(one: PackageConfig): readonly ConfigFault[] {
  const path = ['packages', one.key]
  const axes = Object.keys(one.matrix?.axes ?? {})
  return [
    ...matrixFaults(one.matrix, [...path, 'matrix'], [...path, 'matrix']),
    ...templateFaults(one.image, [...path, 'image'], axes),
    ...templateFaults(one.artifact, [...path, 'artifact'], axes),
  ]
}

/** Keys below which numbers stand for text. */
const TEXT_KEYS = ['env', 'args', 'axes', 'exclude', 'matrix', 'inputs', 'default', 'options']

/** `node: [18, 3.10]` would silently become 3.1: better to ask than to test the wrong version. */
function lossyNumberFaults(source: ConfigSource): readonly ConfigFault[] {
  return source.lossyNumbers
    .filter(({ path }) => path.some((part) => TEXT_KEYS.includes(String(part))))
    .map(({ path, written }) => ({
      path,
      message: `YAML reads ${written} as the number ${Number(written)}`,
      hint: `write "${written}" in quotes`,
    }))
}
