/**
 * A hint to open pages that some run changed; they fetch themselves again and see what they may see. Many changes in a
 * short time are one hint, so that a busy server is not kept busier by those who watch it.
 */
import type { Listen } from './ports.ts'

const QUIET_MS = 1_500
/** Proxies cut connections on which nothing moves for half a minute. */
const PING_MS = 20_000

export async function* changeStream(listen: Listen, signal: AbortSignal): AsyncGenerator<Buffer> {
  let isChanged = false
  let wake: () => void = () => undefined
  const unlisten = listen(() => {
    isChanged = true
    wake()
  })
  const onAbort = (): void => wake()
  signal.addEventListener('abort', onAbort)
  const sleep = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  try {
    yield Buffer.from('retry: 2000\n\n')
    while (!signal.aborted) {
      if (!isChanged) await sleep(PING_MS)
      if (signal.aborted) return
      yield Buffer.from(isChanged ? 'data: changed\n\n' : ': ping\n\n')
      isChanged = false
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
    }
  } finally {
    unlisten()
    signal.removeEventListener('abort', onAbort)
  }
}
