/** `slipway verify FILE`: was this file built here, from what, and is it still the same? */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { errorMessage, SlipwayError } from '../core/errors.ts'
import { splitPem, verifyProvenance, type Verification } from '../packages/index.ts'
import type { SlipwayClient } from './client.ts'
import type { AddCommand } from './command-context.ts'

interface Options {
  readonly key?: string
  readonly provenance?: string
  readonly json?: true
}

export const verifyCommand: AddCommand = (program, { terminal, client }) => {
  program
    .command('verify <file>')
    .summary('check a downloaded package against its provenance')
    .description('Checks that a file is what the server built and signed, and says from which commit.')
    .option('--key <file>', 'public keys in PEM instead of those of the server')
    .option('--provenance <file>', 'the DSSE envelope instead of that of the server')
    .action(async (file: string, options: Options) => {
      const sha256 = await digestOf(file)
      const envelope =
        options.provenance === undefined
          ? await askProvenance(client(), sha256)
          : parseJson(await read(options.provenance))
      const keys =
        options.key === undefined
          ? await (await client().request('/provenance/key.pem')).text()
          : await read(options.key)
      const verification = verifyProvenance(envelope, splitPem(keys), sha256)
      if (options.json) terminal.json({ file, sha256, ...verification })
      if (verification.kind === 'refused')
        throw new SlipwayError('signature_invalid', `${file}: ${verification.message}`)
      if (!options.json) describe(verification).forEach((line) => terminal.line(line))
    })
}

function describe({ statement, keyId }: Extract<Verification, { kind: 'verified' }>): readonly string[] {
  const { buildDefinition, runDetails } = statement.predicate
  const [source] = buildDefinition.resolvedDependencies ?? []
  return [
    `verified    ${statement.subject[0]?.name ?? ''}`,
    `source      ${source?.uri ?? ''}`,
    `commit      ${source?.digest['gitCommit'] ?? ''}`,
    `builder     ${runDetails.builder.id}`,
    `build       ${runDetails.metadata?.invocationId ?? ''}`,
    `signed by   ${keyId}`,
  ]
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash).catch((error: unknown) => {
    throw new SlipwayError('request_invalid', `${file} cannot be read: ${errorMessage(error)}`, { cause: error })
  })
  return hash.digest('hex')
}

async function askProvenance(client: SlipwayClient, sha256: string): Promise<unknown> {
  const answer = await client.request(`/api/v1/artifacts/${sha256}/provenance`).catch((error: unknown) => {
    if (error instanceof SlipwayError && error.code === 'not_found') {
      throw new SlipwayError('not_found', `${client.url} never built a file with sha256 ${sha256}`, { cause: error })
    }
    throw error
  })
  return answer.json()
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new SlipwayError('request_invalid', `${file} cannot be read: ${errorMessage(error)}`, { cause: error })
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
