import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
const TSX = fileURLToPath(import.meta.resolve('tsx'))
const MANIFEST = `version: 1
pipeline:
  on: {push: {}}
  image: busybox:latest
  stages:
    good:
      artifacts: {paths: ["dist/**"]}
      secrets: [MY_TOKEN]
      steps: [{name: make, commands: ["ls -a", "mkdir dist", "cat given > dist/out", "echo token $MY_TOKEN"]}]
    bad: {depends_on: [good], steps: [{name: no, commands: ["echo because", "exit 3"]}]}
    after: {depends_on: [bad], steps: [{name: never, commands: ["echo never"]}]}
    slow: {timeout: 1s, steps: [{name: wait, commands: ["echo waiting", "sleep 100"]}]}
    long: {steps: [{name: wait, commands: ["echo waiting", "sleep 100"]}]}
`

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-cli-'))
  await mkdir(join(folder, '.github'))
  await mkdir(join(folder, '.slipway'))
  await writeFile(join(folder, '.github', 'slipway.yml'), MANIFEST)
  await writeFile(join(folder, 'wrong.yml'), 'version: 1\npipline: {}\n')
  await writeFile(join(folder, 'given'), 'from here\n')
})
afterAll(() => rm(folder, { recursive: true }))

function slipway(args: readonly string[], onOutput: (text: string, end: () => void) => void = () => undefined) {
  const child = spawn(process.execPath, ['--import', TSX, MAIN, 'run', ...args], {
    cwd: folder,
    env: { ...process.env, MY_TOKEN: 'very-secret' },
  })
  let output = ''
  const take = (chunk: Buffer): void => {
    output += String(chunk)
    onOutput(output, () => child.kill('SIGINT'))
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  return new Promise<{ readonly code: number | null; readonly output: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, output })),
  )
}

describe('slipway run', () => {
  it('runs a stage on the current folder and leaves its artifacts there', async () => {
    const { code, output } = await slipway(['--stage', 'good'])
    expect(output).toContain('[good] token ***')
    expect(output).not.toMatch(/\[good\] \.slipway$/m)
    expect(code).toBe(0)
    expect(await readFile(join(folder, '.slipway', 'artifacts', 'dist', 'out'), 'utf8')).toBe('from here\n')
    expect(await readdir(folder)).not.toContain('dist')
  })

  it('skips what comes after a failure and ends with 1', async () => {
    const manifest = MANIFEST.split('\n')
      .filter((line) => !/^ {4}(slow|long):/.test(line))
      .join('\n')
    await writeFile(join(folder, 'some.yml'), manifest)
    const { code, output } = await slipway(['some.yml'])
    expect(output).toContain('because')
    expect(output).not.toContain('[after]')
    expect(output).toMatch(/after +skipped: pipeline\/bad did not end well/)
    expect(code).toBe(1)
  })

  it('tells a wrong file, a timeout and a cancel apart', async () => {
    const [wrong, unknown, slow, cancelled] = await Promise.all([
      slipway(['wrong.yml']),
      slipway(['--stage', 'nothing']),
      slipway(['--stage', 'slow']),
      slipway(['--stage', 'long'], (text, end) => {
        if (/\] waiting/.test(text)) end()
      }),
    ])
    expect([wrong.code, unknown.code, slow.code, cancelled.code]).toEqual([2, 2, 124, 130])
    expect(wrong.output).toContain('wrong.yml:2:1')
    expect(unknown.output).toContain('it has good, bad, after, slow, long')
  })
})
