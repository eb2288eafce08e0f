/**
 * A process that builds packages and is killed at one step, as if the power went: `build-process.ts STEP URL FOLDER
 * INSTANCE`. It prints the id under which it is registered.
 */
import type { PackageRunDeps } from '../../../src/packages/index.ts'
import { openWorld } from './package-world.ts'

const [step = '', databaseUrl = '', folder = '', instance = ''] = process.argv.slice(2)

function die(at: string): void {
  if (at === step) process.kill(process.pid, 'SIGKILL')
}

function mortal(deps: PackageRunDeps): PackageRunDeps {
  return {
    ...deps,
    runs: {
      ...deps.runs,
      async start(...args) {
        const run = await deps.runs.start(...args)
        die('started')
        return run
      },
      async complete(...args) {
        await deps.runs.complete(...args)
        die('completed')
      },
    },
    workbench: {
      ...deps.workbench,
      async open(order, signal) {
        const workspace = await deps.workbench.open(order, signal)
        die('source copied')
        return {
          ...workspace,
          run: (phase, output, signal) =>
            workspace.run(
              phase,
              (chunk, out) => {
                output(chunk, out)
                die('building')
              },
              signal,
            ),
        }
      },
    },
    blobs: {
      ...deps.blobs,
      put(content, options) {
        content.once('data', () => die('storing'))
        return deps.blobs.put(content, options)
      },
    },
    store: {
      ...deps.store,
      async publish(...args) {
        die('publishing')
        const result = await deps.store.publish(...args)
        die('published')
        return result
      },
    },
  }
}

const world = await openWorld({ databaseUrl, folder, instance, wrap: mortal })
process.stdout.write(`${world.processId}\n`)
