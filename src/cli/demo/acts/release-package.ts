import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import { expect, PATIENCE_MS, PERSON, REPOSITORY, type Act } from '../stage.ts'

const TAG = 'v1.0.0'
const CLI_PROGRAM = fileURLToPath(new URL('../../main.ts', import.meta.url))
const Version = z.object({
  artifacts: z.array(
    z.object({ file_name: z.string(), sha256: z.string(), size: z.number(), download_url: z.string() }),
  ),
})

export const releasePackage: Act = {
  title: 'A tag builds a package',
  async play({ github, slipway, narrator, folder }) {
    const sha = await github.tag(REPOSITORY, TAG, { from: 'main', user: PERSON })
    narrator.step(`${PERSON} pushes the tag ${TAG} on ${sha.slice(0, 7)}`)
    const check = await github.completedCheck(REPOSITORY, sha, `package/hello@${TAG}`, PATIENCE_MS)
    expect(check.conclusion === 'success', `package/hello@${TAG} ended with ${check.conclusion}: ${check.output.title}`)
    narrator.good(`package/hello@${TAG}: ${check.output.title}`, check.details_url)

    const [owner = ''] = REPOSITORY.split('/')
    const { artifacts } = await slipway.get(`/api/v1/packages/${owner}/hello/versions/${TAG}`, Version)
    const [artifact] = artifacts
    expect(artifact !== undefined, 'the version has no artifact')
    const file = join(folder, artifact.file_name)
    const { pathname } = new URL(artifact.download_url, slipway.url)
    await writeFile(file, Buffer.from(await (await slipway.request(pathname)).arrayBuffer()))
    narrator.step(`downloaded ${artifact.file_name}, ${artifact.size} bytes`, `${slipway.url}${pathname}`)

    narrator.step(`$ slipway verify ${artifact.file_name}`)
    const env = { PATH: process.env['PATH'], SLIPWAY_URL: slipway.url }
    const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, CLI_PROGRAM, 'verify', file], {
      env,
    })
    for (const line of stdout.trimEnd().split('\n')) narrator.detail(line)
    narrator.good('the package is what Slipway built from that commit')
  },
}
