/** Receives webhooks through smee when GitHub cannot reach this server; they come in by the same door as all others. */
import { errorMessage } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Settings } from '../config/settings.ts'

export async function watchSmee(settings: Settings, logger: Logger): Promise<{ stop(): Promise<void> } | null> {
  if (settings.webhookProxyUrl === null) return null
  const { default: SmeeClient } = await import('smee-client')
  const client = new SmeeClient({
    source: settings.webhookProxyUrl,
    target: `http://127.0.0.1:${settings.port}${settings.webhookPath}`,
    logger: {
      info: (message: string) => logger.debug({ from: 'smee' }, message),
      error: (message: string) => logger.warn({ from: 'smee' }, message),
    },
  })
  client.start().catch((error: unknown) => {
    logger.warn({ err: errorMessage(error) }, 'WEBHOOK_PROXY_URL does not answer; webhooks do not arrive through it')
  })
  return {
    async stop() {
      await client.stop()
    },
  }
}
