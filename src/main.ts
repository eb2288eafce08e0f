/** The process: settings, parts, listen, and a stop that loses nothing. */
import { config as readDotenv } from 'dotenv'
import { errorMessage, SlipwayError } from './core/errors.ts'
import { readSettings } from './config/settings.ts'
import { startSlipway } from './compose/start.ts'

/** SPEC: finish or hand over within 30 s; the last seconds are for closing connections. */
const STOP_GRACE_MS = 22_000
/** What still hangs then (a database that does not answer) is taken over by others like after a crash. */
const LONGEST_STOP_MS = 28_000

readDotenv({ quiet: true })

try {
  const settings = readSettings(process.env, process.cwd())
  const slipway = await startSlipway(settings)
  let isStopping = false
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isStopping) {
      slipway.logger.warn({ signal }, 'stopping at once')
      process.exit(1)
    }
    isStopping = true
    slipway.logger.info({ signal }, 'stopping: no new work, finishing or handing over what is in hand')
    setTimeout(() => {
      slipway.logger.warn({}, 'the stop takes too long; what is left is handed over as it is')
      process.exit(0)
    }, LONGEST_STOP_MS).unref()
    slipway.stop(STOP_GRACE_MS).then(
      () => process.exit(0),
      (error: unknown) => {
        slipway.logger.error({ err: errorMessage(error) }, 'the stop was not clean')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
} catch (error) {
  if (!(error instanceof SlipwayError)) throw error
  process.stderr.write(`slipway: ${error.advice}\n`)
  process.exit(1)
}
