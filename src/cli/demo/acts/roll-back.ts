import { DOCKERFILE, PAGE, page } from '../app-files.ts'
import { askService, heading, keepAsking } from '../ask-service.ts'
import { expect, PATIENCE_MS, PERSON, REPOSITORY, type Act } from '../stage.ts'
import { LIVE } from './deploy-live.ts'

/** It builds, and then does not start. */
const BAD_DOCKERFILE = DOCKERFILE.replace(/^CMD .*$/m, 'CMD ["sh", "-c", "echo cannot find the settings; exit 1"]')

export const rollBack: Act = {
  title: 'A bad push rolls back by itself',
  async play({ github, narrator, proxyPort }) {
    const before = heading(await askService(proxyPort))
    const visitors = keepAsking(proxyPort)
    const files = { Dockerfile: BAD_DOCKERFILE, [PAGE]: page('Hello from nowhere') }
    const sha = await github.commit(REPOSITORY, { branch: LIVE, files, message: 'Read settings', user: PERSON })
    narrator.step(`${PERSON} pushes ${sha.slice(0, 7)} to ${LIVE}: it builds, but does not start`)
    const check = await github.completedCheck(REPOSITORY, sha, 'deploy/www', PATIENCE_MS)
    const { answered, lost } = await visitors.leave()
    expect(check.conclusion === 'failure', `a service that does not start ended with ${check.conclusion}`)
    narrator.bad(`deploy/www: ${check.output.title}`, check.details_url)
    const after = heading(await askService(proxyPort))
    expect(after === before, `the service says "${after}" instead of "${before}"`)
    expect(lost === 0, `${lost} of ${answered + lost} requests were lost meanwhile`)
    narrator.good(`it still answers: ${after}; ${answered} requests meanwhile, none lost`)
  },
}
