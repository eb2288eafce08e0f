/** A run store that answers questions from the real one and only writes down what it is asked to change. */
import type { NewRun, RunStore } from '../core/run-store.ts'
import type { Run } from '../core/run.ts'

export interface RecordedRuns {
  readonly runs: RunStore
  readonly created: readonly NewRun[]
  /** Ids of runs that would be ended. */
  readonly ended: readonly string[]
}

export function recordRuns(real: RunStore): RecordedRuns {
  const created: NewRun[] = []
  const ended: string[] = []
  const nothing = (): Promise<void> => Promise.resolve()
  return {
    created,
    ended,
    runs: {
      ...real,
      create: (runs) => {
        created.push(...runs)
        return Promise.resolve<readonly Run[]>([])
      },
      // True, as if nobody worked on it: then nothing else is asked for.
      completeIdle: (runId) => {
        ended.push(runId)
        return Promise.resolve(true)
      },
      completeForced: nothing,
      requestCancel: nothing,
      note: nothing,
      release: () => Promise.resolve(false),
      start: () => Promise.reject(new Error('a plan starts nothing')),
      progress: nothing,
      complete: nothing,
    },
  }
}
