/** Writes the numbers of a log's lines from where it stands until it is killed. */
import { silentLogger } from '../../src/core/logger.ts'
import { createMasker } from '../../src/core/mask-secrets.ts'
import { createFolderRunLogs } from '../../src/logs/folder-run-logs.ts'

const [folder = '', run = ''] = process.argv.slice(2)
const logs = createFolderRunLogs({ folder, now: Date.now, logger: silentLogger })
const writer = await logs.open(run, { masker: createMasker([]), limitBytes: 50 * 1024 * 1024 })
const source = { step: 'unit', out: 'out' } as const
let next = writer.linesOf(source) + 1
for (;;) {
  const lines = Array.from({ length: 500 }, () => next++).join('\n')
  // Lines end in the middle of a write.
  await writer.write(source, Buffer.from(lines.slice(0, 700)))
  await writer.write(source, Buffer.from(`${lines.slice(700)}\n`))
  if (next % 5000 < 500) process.send?.('going')
}
