/** What every command is given. */
import type { Command } from 'commander'
import type { Settings } from '../config/settings.ts'
import type { SlipwayClient } from './client.ts'
import type { Terminal } from './terminal.ts'

export interface CommandContext {
  readonly terminal: Terminal
  /** Read when asked for, so that `lint` works beside a broken `.env`. Throws `setting_invalid`. */
  readonly settings: () => Settings
  /** The server at `SLIPWAY_URL`. */
  readonly client: () => SlipwayClient
}

/** Adds one command, with its subcommands and options, to the program. */
export type AddCommand = (program: Command, context: CommandContext) => void

/** What a shell sees. `slipway run` has codes of its own, which SPEC 8 lists. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3 } as const
