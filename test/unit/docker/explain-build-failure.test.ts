/** Whose fault it was that an image could not be built: the step's own end, or the host under it. */
import { describe, expect, it } from 'vitest'
import { outlineDockerfile } from '../../../src/docker/dockerfile-stages.ts'
import { explainBuildFailure } from '../../../src/docker/explain-build-failure.ts'

const OUTLINE = outlineDockerfile('FROM busybox\nRUN make\n', {})
const explain = (message: string) => explainBuildFailure(OUTLINE, [], { message, exitCode: undefined })

describe('the host’s fault', () => {
  it.each([
    'executor failed running [/bin/sh -c make]: failed to update store for object type *libnetwork.endpoint: open : no such file or directory',
    'executor failed running [/bin/sh -c make]: context canceled',
    'failed to register layer: write /x: no space left on device',
    'error during connect: unexpected EOF',
  ])('%s', (message) => {
    expect(explain(message)).toMatchObject({ kind: 'infrastructure' })
  })
})

describe('the step’s own fault', () => {
  it.each([
    'executor failed running [/bin/sh -c make]: exit code: 2',
    'executor failed running [/bin/sh -c echo "no space left on device: libnetwork" && exit 2]: exit code: 2',
    `The command '/bin/sh -c echo connection reset by peer; exit 2' returned a non-zero code: 2`,
  ])('%s', (message) => {
    expect(explain(message)).toMatchObject({ kind: 'failure', failure: { reason: 'command', exitCode: 2 } })
  })
})
