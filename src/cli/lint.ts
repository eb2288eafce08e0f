import { readFile } from 'node:fs/promises'
import { lintManifest } from '../config/lint-manifest.ts'
import type { YamlParser } from '../config/yaml-parser.ts'
import { errorMessage, SlipwayError } from '../core/errors.ts'
import { EXIT, type AddCommand } from './command-context.ts'

export function lintCommand(yaml: () => YamlParser): AddCommand {
  return (program, { terminal }) => {
    program
      .command('lint')
      .summary('check a slipway.yml')
      .description(
        'Checks a manifest and prints each problem with its line and column, as compilers do. Exit 1 when there is one.',
      )
      .argument('[file]', 'the manifest', '.github/slipway.yml')
      .addHelpText('after', '\nExamples:\n  $ slipway lint\n  $ slipway lint ci/other.yml --json')
      .action(async (file: string, options: { json?: boolean }) => {
        const text = await readFile(file).catch((error: unknown) => {
          throw new SlipwayError('config_invalid', `${file} cannot be read: ${errorMessage(error)}`)
        })
        const { result, lines } = await lintManifest(yaml(), text, file)
        if (options.json === true) terminal.json({ file, problems: result.problems })
        else if (result.problems.length === 0) terminal.line(`${file} is right`)
        else lines.forEach((line) => terminal.line(line))
        process.exitCode = result.kind === 'invalid' ? EXIT.failed : EXIT.ok
      })
  }
}
