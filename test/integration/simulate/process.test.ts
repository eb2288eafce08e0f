import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from 'vitest'
import { createControlClient } from '../../../src/simulate/index.ts'

describe('the simulated GitHub as a process', () => {
  let child: ReturnType<typeof spawn> | undefined
  afterEach(() => child?.kill('SIGKILL'))

  it('prints one line with all that an app needs, shows contributors their checks, and ends on SIGTERM', async () => {
    const main = new URL('../../../src/simulate/main.ts', import.meta.url).pathname
    child = spawn(process.execPath, ['--import', 'tsx', main, '--webhook-secret', 'given'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    if (child.stdout === null) throw new Error('no output')
    const [line] = await once(createInterface(child.stdout), 'line')
    const shown: { url: string; controlToken: string; privateKeyPath: string; webhookSecret: string; appId: number } =
      JSON.parse(String(line))
    expect(shown.webhookSecret).toBe('given')
    expect(await readFile(shown.privateKeyPath, 'utf8')).toContain('RSA PRIVATE KEY')

    const control = createControlClient(shown)
    const made = await control.createRepository({
      owner: 'alice',
      name: 'shop',
      files: { a: '<script>alert(1)</script>' },
    })
    await control.commit('alice/shop', { branch: 'work', files: { b: 'b' }, message: '<script>alert(1)</script>' })
    await control.openPullRequest('alice/shop', { head: 'work', title: '<img src=x>' })
    for (const path of [
      '',
      '/alice/shop',
      '/alice/shop/pull/1',
      `/alice/shop/commit/${made.head ?? ''}`,
      '/alice/shop/commit/work',
    ]) {
      const page = await fetch(`${shown.url}${path}`)
      expect([path, page.status]).toEqual([path, 200])
      expect(page.headers.get('content-type')).toContain('text/html')
      expect(await page.text()).not.toMatch(/<script>|<img/)
    }
    expect((await fetch(`${shown.url}/_/report`)).status).toBe(401)
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    await expect(readFile(shown.privateKeyPath)).rejects.toThrow()
  })
})
