/** The environment and the admin's file. They come first: everything else rests on them. */
import { existsSync } from 'node:fs'
import { ok, skipped, warning, type DoctorCheck, type Finding } from '../../cli/doctor-check.ts'
import { readSettings } from '../../config/settings.ts'
import { createYamlParser } from '../../config/yaml-parser.ts'
import { readServerFile } from '../server-file.ts'
import type { Findings } from './findings.ts'

export function settingsChecks(found: Findings): readonly DoctorCheck[] {
  return [
    {
      name: 'settings',
      fix: 'Correct the variable in the environment or in .env; .env.example says what is allowed.',
      look() {
        found.settings = readSettings(process.env, process.cwd())
        return Promise.resolve(
          ok(existsSync('.env') ? 'the environment and .env' : 'the environment; there is no .env'),
        )
      },
    },
    {
      name: 'server.yml',
      fix: 'Correct the file at the line that is named; examples/server.yml shows every key.',
      async look() {
        if (found.settings === null) return skipped('the settings cannot be read')
        const { serverConfig } = found.settings
        found.server = await readServerFile(found.settings, createYamlParser())
        const { hosts, pools, repositories } = found.server
        if (serverConfig === null) {
          return warning(
            'there is none: builds and pipelines only, on one host',
            'Write a server.yml to allow deployments, pools and secrets.',
          )
        }
        return ok(
          `${hosts.length} hosts, ${pools.length} pools, ${repositories.length} repository rules in ${serverConfig}`,
        )
      },
    },
    {
      name: 'public address',
      fix: 'Set BASE_URL to the address that people and GitHub reach.',
      look: () => Promise.resolve(publicAddress(found)),
    },
  ]
}

function publicAddress({ settings }: Findings): Finding {
  if (settings === null) return skipped('the settings cannot be read')
  const { hostname, protocol } = new URL(settings.baseUrl)
  const isLocal = ['localhost', '127.0.0.1', '::1', '[::1]'].includes(hostname)
  if (isLocal && settings.webhookProxyUrl === null) {
    return warning(
      `${settings.baseUrl} is this machine: GitHub cannot send webhooks here`,
      'Set BASE_URL to a public address, or WEBHOOK_PROXY_URL to a channel of smee.io.',
    )
  }
  if (!isLocal && protocol === 'http:') {
    return warning(
      `${settings.baseUrl} is not encrypted`,
      'Put a proxy with a certificate in front and use https:// in BASE_URL.',
    )
  }
  return ok(settings.baseUrl)
}
