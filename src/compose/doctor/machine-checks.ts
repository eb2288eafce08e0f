/** This machine: programs, folders, disk, port. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import semver from 'semver'
import { failed, ok, warning, type DoctorCheck, type Finding } from '../../cli/doctor-check.ts'
import { NO_SETTINGS, type Findings } from './findings.ts'

const OLDEST_NODE = '20.18.1'
/** `git fetch` of a single commit into a mirror behaves as we need since then. */
const OLDEST_GIT = '2.30.0'
const GIB = 1024 ** 3
/** Below this a build or the database may stop at any moment. */
const LEAST_FREE_BYTES = GIB
const COMFORTABLE_FREE_BYTES = 10 * GIB

export function machineChecks(found: Findings): readonly DoctorCheck[] {
  return [
    {
      name: 'node',
      fix: `Install Node ${OLDEST_NODE} or newer.`,
      look: () =>
        Promise.resolve(
          semver.gte(process.versions.node, OLDEST_NODE)
            ? ok(process.versions.node)
            : failed(`${process.versions.node} is too old`, `Install Node ${OLDEST_NODE} or newer.`),
        ),
    },
    {
      name: 'git',
      fix: 'Install git and put it on the PATH.',
      async look() {
        const { stdout } = await promisify(execFile)('git', ['--version'])
        const version = semver.coerce(stdout)?.version ?? '0.0.0'
        return semver.gte(version, OLDEST_GIT)
          ? ok(version)
          : failed(`${version} is too old`, `Install git ${OLDEST_GIT} or newer.`)
      },
    },
    {
      name: 'data folder',
      fix: 'Make DATA_DIR writable for the user that runs Slipway.',
      async look() {
        if (found.settings === null) return NO_SETTINGS
        const { dataDir } = found.settings
        await mkdir(dataDir, { recursive: true })
        const probe = join(dataDir, `.doctor-${randomUUID()}`)
        await writeFile(probe, 'writable\n')
        await rm(probe)
        return ok(dataDir)
      },
    },
    {
      name: 'disk space',
      fix: 'Make DATA_DIR a folder that exists.',
      async look() {
        if (found.settings === null) return NO_SETTINGS
        const { bavail, bsize } = await statfs(found.settings.dataDir)
        return freeSpace(bavail * bsize)
      },
    },
    {
      name: 'port',
      fix: 'Set PORT to one that is free.',
      look: () =>
        found.settings === null ? Promise.resolve(NO_SETTINGS) : port(found.settings.port, found.settings.host),
    },
  ]
}

function freeSpace(bytes: number): Finding {
  const text = `${(bytes / GIB).toFixed(1)} GiB free`
  const fix = 'Free some space or move DATA_DIR: images, logs and artifacts need room.'
  if (bytes < LEAST_FREE_BYTES) return failed(text, fix)
  return bytes < COMFORTABLE_FREE_BYTES ? warning(text, fix) : ok(text)
}

async function port(number: number, host: string | null): Promise<Finding> {
  if (await isFree(number, host)) return ok(`${number} is free`)
  const answer = await fetch(`http://127.0.0.1:${number}/healthz`).catch(() => null)
  const text = (await answer?.text().catch(() => '')) ?? ''
  if (text.includes('"version"')) return ok(`a Slipway answers on ${number}`)
  return failed(`${number} is taken by another program`, 'Set PORT to one that is free, or stop that program.')
}

function isFree(port: number, host: string | null): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, ...(host === null ? {} : { host }) }, () => server.close(() => resolve(true)))
  })
}
