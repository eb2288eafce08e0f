/**
 * Everything `slipway doctor` looks at. Checks rest on what earlier ones have found: without settings there is no database
 * to ask, without a database no stored credentials. What is missing makes a check skipped, never failed twice.
 */
import type { DoctorCheck, Finding } from '../../cli/doctor-check.ts'
import { createDockerHosts } from '../docker-hosts.ts'
import { databaseChecks } from './database-checks.ts'
import { dockerChecks } from './docker-checks.ts'
import type { Findings } from './findings.ts'
import { githubChecks } from './github-checks.ts'
import { machineChecks } from './machine-checks.ts'
import { serviceChecks } from './service-checks.ts'
import { settingsChecks } from './settings-checks.ts'

export async function prepareChecks(): Promise<{ readonly checks: readonly DoctorCheck[]; close(): Promise<void> }> {
  const found: Findings = { settings: null, server: null, credentials: null, hosts: null }
  const settings = settingsChecks(found)
  // Which hosts there are decides which checks there are, so these are looked at before the list is complete.
  const first: DoctorCheck[] = []
  for (const check of settings) first.push(await lookedAt(check))
  if (found.server !== null) found.hosts = createDockerHosts(found.server.hosts)
  const database = databaseChecks(found)
  return {
    checks: [
      ...first,
      ...machineChecks(found),
      ...database.checks,
      ...dockerChecks(found),
      ...githubChecks(found),
      ...serviceChecks(found),
    ],
    async close() {
      found.hosts?.close()
      await database.close()
    },
  }
}

/** Keeps what was found or thrown until it is asked for. */
async function lookedAt(check: DoctorCheck): Promise<DoctorCheck> {
  const looking: Promise<Finding> = Promise.resolve().then(() => check.look())
  await looking.catch(() => undefined)
  return { ...check, look: () => looking }
}
