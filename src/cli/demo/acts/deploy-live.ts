import { DOMAIN } from '../app-files.ts'
import { askService, heading } from '../ask-service.ts'
import { expect, PATIENCE_MS, PERSON, REPOSITORY, type Act } from '../stage.ts'

export const LIVE = 'live'

export const deployLive: Act = {
  title: 'A push to the branch live deploys a service',
  async play({ github, narrator, proxyPort }) {
    await github.movePullRequest(REPOSITORY, 1, 'merge', { user: PERSON })
    narrator.step(`${PERSON} merges pull request #1`)
    const sha = await github.createBranch(REPOSITORY, LIVE, 'main')
    narrator.step(`${PERSON} pushes ${sha.slice(0, 7)} to ${LIVE}`)
    const check = await github.completedCheck(REPOSITORY, sha, 'deploy/www', PATIENCE_MS)
    expect(check.conclusion === 'success', `deploy/www ended with ${check.conclusion}: ${check.output.title}`)
    narrator.good(`deploy/www: ${check.output.title}`, check.details_url)
    const answer = await askService(proxyPort)
    expect(answer.status === 200, `the service answered ${answer.status}`)
    narrator.good(`it answers: ${heading(answer)}`, `curl --header 'Host: ${DOMAIN}' http://127.0.0.1:${proxyPort}/`)
  },
}
