import { parentPort } from 'node:worker_threads'
import { readYaml } from './read-yaml.ts'

/** The thread that reads YAML: one text in, one reading out. `yaml-parser.ts` tells why it is a thread of its own. */
parentPort?.on('message', (input: string | Uint8Array) => {
  parentPort?.postMessage(readYaml(input))
})
parentPort?.postMessage('ready')
