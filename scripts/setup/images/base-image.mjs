import { provideImage } from './image.mjs'
import { layBusybox, PATH } from './root-file-system.mjs'

/** `busybox:latest`: what steps, demos and tests start from. */
export async function provideBaseImage({ announce, engine }) {
  await provideImage({
    announce,
    engine,
    name: 'busybox:latest',
    recipe: '1',
    changes: ['CMD ["sh"]', `ENV PATH=${PATH}`],
    fill: (directory) => layBusybox(directory),
  })
}
