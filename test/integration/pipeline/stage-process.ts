/** Runs one stage in a process of its own, which the test kills; what is saved lands in a file. */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stageOf, stageRig } from './stage-fixture.ts'

const [folder = '', instance = '', runId = '', text = ''] = process.argv.slice(2)
const rig = await stageRig({ folder, instance })
process.send?.('ready')
await rig.run(await stageOf(text), {
  runId,
  onSave(report) {
    writeFileSync(join(folder, 'report.new'), JSON.stringify(report))
    renameSync(join(folder, 'report.new'), join(folder, 'report.json'))
  },
})
