/** The admin's file, read at start and by `slipway apply`. A mistake in it stops the start with its line. */
import { readFile } from 'node:fs/promises'
import { formatProblem } from '../config/config-problem.ts'
import { defaultServerConfig, parseServerConfig } from '../config/parse-server-config.ts'
import type { ServerConfig } from '../config/server-config.ts'
import type { Settings } from '../config/settings.ts'
import type { YamlParser } from '../config/yaml-parser.ts'
import { SlipwayError } from '../core/errors.ts'

export async function readServerFile(settings: Settings, yaml: YamlParser): Promise<ServerConfig> {
  const file = settings.serverConfig
  if (file === null) return defaultServerConfig(settings.dockerHost)
  const text = await readFile(file).catch((cause: unknown) => {
    throw new SlipwayError('setting_invalid', `SERVER_CONFIG: ${file} cannot be read`, {
      cause,
      field: 'SERVER_CONFIG',
      remedy: 'Name a readable file, or unset the variable.',
    })
  })
  const result = await parseServerConfig(yaml, {
    text,
    file,
    environment: process.env,
    dockerHost: settings.dockerHost,
  })
  if (result.kind === 'ok') return result.config
  throw new SlipwayError('config_invalid', result.problems.map(formatProblem).join('\n'), { field: file })
}
