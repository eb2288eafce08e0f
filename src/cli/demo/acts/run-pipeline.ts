import { z } from 'zod'
import { expect, PATIENCE_MS, REPOSITORY, type Act } from '../stage.ts'
import { BRANCH } from './break-dockerfile.ts'

const History = z.object({
  events: z.array(z.object({ kind: z.string(), domain: z.string().nullable(), client: z.string().nullable() })),
})
const Artifacts = z.object({ artefacts: z.array(z.object({ id: z.string() })) })

export const runPipeline: Act = {
  title: 'Its pipeline holds an instance of the pool, runs, and keeps what it made',
  async play({ github, slipway, narrator }) {
    const { branches } = await github.repository(REPOSITORY)
    const check = await github.completedCheck(REPOSITORY, branches[BRANCH] ?? '', 'pipeline/test', PATIENCE_MS)
    const run = check.external_id
    expect(check.conclusion === 'success', `pipeline/test ended with ${check.conclusion}: ${check.output.title}`)

    const { events } = await slipway.get('/api/v1/pools/default/history?limit=50', History)
    const held = events.filter(({ client }) => client === `run:${run}`).toReversed()
    for (const { kind, domain } of held) narrator.step(`${domain ?? 'an instance'} is ${kind}`)
    expect(held.at(-1)?.kind === 'released', 'the instance was not given back')

    narrator.step('its log')
    const log = await (await slipway.request(`/api/v1/runs/${run}/logs`)).text()
    for (const line of log.trimEnd().split('\n')) narrator.detail(line)
    expect(log.includes('cache tools-1: hit'), 'the cache of the first run was not used')

    const { artefacts } = await slipway.get(`/run/${run}/artifacts`, Artifacts)
    const [report] = artefacts
    expect(report !== undefined, 'the artifact report.txt was not kept')
    const path = `/run/${run}/artifacts/${report.id}`
    const text = await (await slipway.request(path)).text()
    narrator.step(`its artifact report.txt says: ${text.trim()}`, `${slipway.url}${path}`)
    narrator.good(`pipeline/test: ${check.output.title}`, check.details_url)
  },
}
