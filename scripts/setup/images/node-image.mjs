import { existsSync } from 'node:fs'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { provideImage } from './image.mjs'
import { layBusybox, layProgram, PATH } from './root-file-system.mjs'

const CERTIFICATES = 'etc/ssl/certs/ca-certificates.crt'

/** `node:20`, for tests of services written in JavaScript: the Node that runs this, and a shell. */
export async function provideNodeImage({ announce, engine }) {
  await provideImage({
    announce,
    engine,
    name: 'node:20',
    recipe: '1',
    changes: ['CMD ["node"]', `ENV PATH=${PATH}`, `ENV NODE_VERSION=${process.versions.node}`],
    fill: async (directory) => {
      await layBusybox(directory, { accounts: ['node:x:1000:1000::/home/node:/bin/sh'], groups: ['node:x:1000:'] })
      await layProgram(directory, { program: process.execPath, as: 'usr/local/bin/node' })
      if (!existsSync(`/${CERTIFICATES}`)) return
      mkdirSync(join(directory, 'etc/ssl/certs'), { recursive: true })
      copyFileSync(`/${CERTIFICATES}`, join(directory, CERTIFICATES))
    },
  })
}
