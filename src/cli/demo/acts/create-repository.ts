import { config, FILES } from '../app-files.ts'
import { expect, PATIENCE_MS, PERSON, REPOSITORY, type Act } from '../stage.ts'

/** The App is installed on the account, so that the first push is already looked at. */
export const createRepository: Act = {
  title: 'A repository with an app is created',
  async play({ github, narrator, proxyPort }) {
    const [owner = '', name = ''] = REPOSITORY.split('/')
    await github.createUser(PERSON)
    const repository = await github.createRepository({
      owner,
      name,
      organization: true,
      files: { 'README.md': '# hello\n' },
    })
    await github.setCollaborator(REPOSITORY, PERSON, 'write')
    narrator.step(`${REPOSITORY} exists and has the App installed`, repository.html_url)
    const sha = await github.commit(REPOSITORY, {
      branch: 'main',
      files: { ...FILES, '.github/slipway.yml': config(proxyPort) },
      message: 'Serve a page',
      user: PERSON,
    })
    narrator.step(`${PERSON} pushes the app with its .github/slipway.yml:`)
    for (const line of config(proxyPort).trimEnd().split('\n')) narrator.detail(line)
    const check = await github.completedCheck(REPOSITORY, sha, 'deployability', PATIENCE_MS)
    expect(
      check.conclusion === 'success',
      `deployability of main ended with ${check.conclusion}: ${check.output.title}`,
    )
    narrator.good(`deployability: ${check.output.title}`, check.details_url)
    const stage = await github.completedCheck(REPOSITORY, sha, 'pipeline/test', PATIENCE_MS)
    expect(
      stage.conclusion === 'success',
      `pipeline/test of main ended with ${stage.conclusion}: ${stage.output.title}`,
    )
    narrator.good(`pipeline/test: ${stage.output.title}`, stage.details_url)
  },
}
