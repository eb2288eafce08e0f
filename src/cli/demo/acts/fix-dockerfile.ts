import { DOCKERFILE, PAGE, page } from '../app-files.ts'
import { expect, PATIENCE_MS, PERSON, REPOSITORY, type Act } from '../stage.ts'
import { BRANCH } from './break-dockerfile.ts'

export const fixDockerfile: Act = {
  title: 'A fix turns it green',
  async play({ github, narrator }) {
    const files = { Dockerfile: DOCKERFILE, [PAGE]: page('Hello from Slipway!') }
    const sha = await github.commit(REPOSITORY, { branch: BRANCH, files, message: 'Mend the Dockerfile', user: PERSON })
    narrator.step(`${PERSON} pushes a fix, ${sha.slice(0, 7)}`)
    const check = await github.completedCheck(REPOSITORY, sha, 'deployability', PATIENCE_MS)
    expect(
      check.conclusion === 'success',
      `the mended Dockerfile ended with ${check.conclusion}: ${check.output.title}`,
    )
    narrator.good(`deployability: ${check.output.title}`, check.details_url)
  },
}
