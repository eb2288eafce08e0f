import { BROKEN_DOCKERFILE } from '../app-files.ts'
import { expect, PATIENCE_MS, PERSON, REPOSITORY, type Act } from '../stage.ts'

export const BRANCH = 'louder'

export const breakDockerfile: Act = {
  title: 'A pull request with a broken Dockerfile',
  async play({ github, narrator }) {
    const sha = await github.commit(REPOSITORY, {
      branch: BRANCH,
      files: { Dockerfile: BROKEN_DOCKERFILE },
      message: 'Check the page',
      user: PERSON,
    })
    const pull = await github.openPullRequest(REPOSITORY, {
      head: BRANCH,
      base: 'main',
      title: 'Say it louder',
      user: PERSON,
    })
    narrator.step(`${PERSON} opens pull request #${pull.number}, "Say it louder"`, pull.html_url)
    const check = await github.completedCheck(REPOSITORY, sha, 'deployability', PATIENCE_MS)
    expect(check.conclusion === 'failure', `a broken Dockerfile ended with ${check.conclusion}`)
    narrator.bad(`deployability: ${check.output.title}`, check.details_url)
    const [annotation] = check.annotations
    expect(
      annotation?.path === 'Dockerfile' && annotation.start_line === 3,
      'the failing line of the Dockerfile has no annotation',
    )
    narrator.detail(
      `annotation on ${annotation.path}:${annotation.start_line}: ${annotation.message.split('\n')[0] ?? ''}`,
    )
  },
}
