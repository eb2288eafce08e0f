import type { ConfigFault } from './config-source.ts'
import type { Named, StageConfig } from './repository-config.ts'
import { didYouMean } from './suggest.ts'

/** Stages that wait for one that does not exist, or for each other. */
export function dependencyFaults(stages: Named<StageConfig>): readonly ConfigFault[] {
  return [...unknownDependencies(stages), ...cycles(stages)]
}

function unknownDependencies(stages: Named<StageConfig>): readonly ConfigFault[] {
  return Object.values(stages).flatMap((stage) =>
    stage.dependsOn.flatMap((needed, index) =>
      Object.hasOwn(stages, needed)
        ? []
        : [
            {
              path: ['pipeline', 'stages', stage.key, 'depends_on', index],
              message: `there is no stage ${needed}`,
              hint: didYouMean(needed, Object.keys(stages)),
            },
          ],
    ),
  )
}

/** Takes away stages whose dependencies are all gone until none can be; what is left waits for itself. */
function cycles(stages: Named<StageConfig>): readonly ConfigFault[] {
  let left = Object.values(stages)
  for (;;) {
    const keys = new Set(left.map((stage) => stage.key))
    const rest = left.filter((stage) => stage.dependsOn.some((needed) => keys.has(needed)))
    if (rest.length === left.length) break
    left = rest
  }
  const start = left[0]
  if (start === undefined) return []
  const cycle = cycleFrom(start, new Map(left.map((stage) => [stage.key, stage])))
  return [
    {
      path: ['pipeline', 'stages', cycle[0] ?? start.key, 'depends_on'],
      message: `these stages wait for each other: ${[...cycle, cycle[0]].join(' → ')}`,
      hint: 'remove one of the dependencies',
    },
  ]
}

function cycleFrom(start: StageConfig, left: ReadonlyMap<string, StageConfig>): readonly string[] {
  const way: string[] = []
  let stage: StageConfig | undefined = start
  while (stage !== undefined && !way.includes(stage.key)) {
    way.push(stage.key)
    const next: string | undefined = stage.dependsOn.find((needed) => left.has(needed))
    stage = next === undefined ? undefined : left.get(next)
  }
  return stage === undefined ? way : way.slice(way.indexOf(stage.key))
}
