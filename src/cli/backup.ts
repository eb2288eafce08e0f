import { resolve } from 'node:path'
import type { Settings } from '../config/settings.ts'
import type { AddCommand } from './command-context.ts'
import { showParts } from './show-parts.ts'

export interface BackupParts {
  makeBackup(
    settings: Settings,
    file: string,
    options: { withFiles: boolean; withKey: boolean; onPart: (part: string) => void },
  ): Promise<{ readonly tables: number; readonly rows: number; readonly files: number }>
}

interface Options {
  readonly files?: true
  readonly key?: true
  readonly json?: true
}

export function backupCommand(load: () => Promise<BackupParts>): AddCommand {
  return (program, { terminal, settings }) => {
    program
      .command('backup')
      .argument('[file]', 'where to write it; default: slipway-DATE.tar.gz')
      .summary('write everything into one file')
      .description(
        'Writes every table into one file, as of one moment, while the server goes on. It needs the settings of the server:\n' +
          'DATABASE_URL or DATA_DIR. Secrets stay encrypted; without their key they cannot be read again.',
      )
      .option('--files', 'also artifacts and logs from DATA_DIR; those in S3 stay there')
      .option('--key', 'also the key that secrets are encrypted with: keep such a file like the key itself')
      .addHelpText('after', '\nExamples:\n  $ slipway backup\n  $ slipway backup /backups/slipway.tar.gz --files --key')
      .action(async (named: string | undefined, { files, key, json }: Options) => {
        const file = resolve(named ?? `slipway-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.tar.gz`)
        const { makeBackup } = await load()
        const made = await showParts(terminal, 'Writing the backup', (onPart) =>
          makeBackup(settings(), file, { withFiles: files === true, withKey: key === true, onPart }),
        )
        if (json) return terminal.json({ file, ...made })
        terminal.line(`${file}: ${made.rows} rows of ${made.tables} tables, ${made.files} files`)
        if (key !== true)
          terminal.note('The encryption key is not in it: keep ENCRYPTION_KEY or DATA_DIR/encryption.key as well.')
      })
  }
}
