/**
 * A process that does deployments and kills itself at the moment it is told: after a state was written, or after the
 * first line of a step that begins with some words. Arguments: the fixture's settings as JSON, and where to die.
 */
import { openDeploymentFixture, type FixtureSettings } from './deployment-fixture.ts'

const settings = JSON.parse(process.argv[2] ?? '{}') as FixtureSettings
const dieAt = process.argv[3] ?? ''
const head = process.argv[4] ?? null

const fixture = await openDeploymentFixture(settings)
fixture.dials.head = head
const die = (): void => {
  process.kill(process.pid, 'SIGKILL')
}

const { deps } = fixture
await fixture.workOnce({
  ...deps,
  deployments: {
    ...deps.deployments,
    async change(lease, runId, change) {
      const changed = await deps.deployments.change(lease, runId, change)
      if (dieAt === `${changed.state}/${changed.direction}` || dieAt === changed.state) die()
      return changed
    },
  },
  openLog: () =>
    Promise.resolve({
      note: (line) => {
        if (dieAt.startsWith('note:') && line.startsWith(dieAt.slice('note:'.length))) die()
      },
      close: () => Promise.resolve(),
    }),
})
process.exit(0)
