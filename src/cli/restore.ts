import { resolve } from 'node:path'
import type { Settings } from '../config/settings.ts'
import type { AddCommand } from './command-context.ts'
import { showParts } from './show-parts.ts'

export interface RestoreParts {
  restoreBackup(
    settings: Settings,
    file: string,
    onPart: (part: string) => void,
  ): Promise<{
    readonly manifest: {
      readonly made_at: string
      readonly version: string
      readonly files: boolean
      readonly key: boolean
    }
    readonly rows: number
  }>
}

export function restoreCommand(load: () => Promise<RestoreParts>): AddCommand {
  return (program, { terminal, settings }) => {
    program
      .command('restore')
      .argument('<file>', 'what `slipway backup` wrote')
      .summary('bring a backup back into an empty database')
      .description(
        'Brings a backup back into an empty database, all of it or nothing. Stop the server first, and name the new place\n' +
          'with DATABASE_URL or DATA_DIR.',
      )
      .addHelpText('after', '\nExamples:\n  $ DATA_DIR=./restored slipway restore slipway-2026-11-21T120000.tar.gz')
      .action(async (named: string, { json }: { json?: true }) => {
        const { restoreBackup } = await load()
        const { manifest, rows } = await showParts(terminal, 'Bringing the backup back', (onPart) =>
          restoreBackup(settings(), resolve(named), onPart),
        )
        if (json) return terminal.json({ rows, ...manifest })
        terminal.line(`${rows} rows are back, as of ${manifest.made_at} (Slipway ${manifest.version})`)
        if (!manifest.key)
          terminal.note('Start the server with the encryption key of that time: it is not in the backup.')
      })
  }
}
