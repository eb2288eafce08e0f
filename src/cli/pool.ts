/** `slipway pool …`: the release pool from a shell. */
import { type Command, InvalidArgumentError } from 'commander'
import type { z } from 'zod'
import { SlipwayError } from '../core/errors.ts'
import type { SlipwayClient } from './client.ts'
import type { AddCommand, CommandContext } from './command-context.ts'
import { History, Instance, Instances, Queue, Removed, Reservation, type ReservationShape } from './pool-shapes.ts'
import type { Terminal } from './terminal.ts'

/** How long one question about the place in the line stays open, in seconds. */
const LOOK_S = 5

interface Common {
  readonly pool: string
  readonly json?: true
}

export const poolCommand: AddCommand = (program, context) => {
  const pool = program
    .command('pool')
    .summary('the release pool: instances, reservations and the line')
    .description('Looks at the release pool and works with it.')
  addInstanceCommands(pool, context)
  addReservationCommands(pool, context)
  addViews(pool, context)
}

/** A subcommand with the option that all of them have. */
function subcommand(parent: Command, name: string, summary: string): Command {
  return parent
    .command(name)
    .summary(summary)
    .description(`${summary}.`)
    .option('-p, --pool <name>', 'the pool', 'default')
}

function addInstanceCommands(parent: Command, { terminal, client }: CommandContext): void {
  subcommand(parent, 'list', 'show the instances with their state and holder').action(
    async ({ pool, json }: Common) => {
      const { instances } = await client().get(`${pathOf(pool)}/instances`, Instances)
      if (json) return terminal.json(instances)
      terminal.table(
        ['ID', 'DOMAIN', 'STATE', 'UNTIL', 'HOLDER', 'LABELS'],
        instances.map((instance) => [
          instance.id,
          instance.domain,
          instance.draining ? `${instance.state}, draining` : instance.state,
          instance.holder?.until ?? '-',
          instance.holder?.client ?? '-',
          labelText(instance.labels),
        ]),
      )
    },
  )

  subcommand(parent, 'add <domain>', 'add an instance; its token is read from the environment')
    .option('--token-env <variable>', 'the variable that holds the token', 'INSTANCE_TOKEN')
    .option('-l, --label <key=value...>', 'labels', collectLabel, {})
    .option('--note <text>', 'a note for people', '')
    .action(
      async (domain: string, options: Common & { tokenEnv: string; label: Record<string, string>; note: string }) => {
        const token = process.env[options.tokenEnv]
        if (token === undefined || token === '') {
          throw new SlipwayError('setting_invalid', `${options.tokenEnv} is not set`, {
            remedy: 'Put the token of the instance there; as an argument it would stay in the history of the shell.',
          })
        }
        const body = { domain, token, labels: options.label, note: options.note }
        const added = await client().post(`${pathOf(options.pool)}/instances`, body, Instance)
        show(terminal, options, added, `added ${added.domain} as ${added.id}`)
      },
    )

  subcommand(parent, 'remove <instance>', 'remove an instance; a held one leaves when its holder does').action(
    async (wanted: string, options: Common) => {
      const { id, domain } = await findInstance(client(), options.pool, wanted)
      const answer = await client().request(`${pathOf(options.pool)}/instances/${id}`, { method: 'DELETE' })
      const removed = Removed.parse(await answer.json())
      show(terminal, options, removed, removed.removed ? `removed ${domain}` : `${domain} leaves when its holder does`)
    },
  )

  subcommand(parent, 'drain <instance>', 'let the holder finish and hand the instance out no more')
    .option('--undo', 'hand it out again')
    .option('--reason <text>', 'why', '')
    .action(async (wanted: string, options: Common & { undo?: true; reason: string }) => {
      const { id, domain } = await findInstance(client(), options.pool, wanted)
      const order = options.undo === true ? 'undrain' : 'drain'
      const instance = await client().post(
        `${pathOf(options.pool)}/instances/${id}/${order}`,
        { reason: options.reason },
        Instance,
      )
      show(
        terminal,
        options,
        instance,
        options.undo === true ? `${domain} is handed out again` : `${domain} takes no new holder`,
      )
    })
}

interface ReserveOptions extends Common {
  readonly client: string
  readonly count: number
  readonly label: Record<string, string>
  readonly timeout?: string
  readonly wait?: string | true
  readonly priority: number
  readonly reason?: string
}

function addReservationCommands(parent: Command, { terminal, client }: CommandContext): void {
  subcommand(parent, 'reserve', 'reserve an instance and print where it is')
    .option('--client <name>', 'who holds it', `cli--${process.env['USER'] ?? 'someone'}`)
    .option('-n, --count <number>', 'so many at once, all or none', wholeNumber, 1)
    .option('-l, --label <key=value...>', 'labels it must have', collectLabel, {})
    .option('-t, --timeout <duration>', 'how long it is held, e.g. 45m')
    .option('-w, --wait [duration]', 'stand in the line, 1h where nothing is said')
    .option('--priority <number>', 'higher goes first', wholeNumber, 0)
    .option('--reason <text>', 'why, for others to read')
    .action(async (options: ReserveOptions) => {
      const wait = options.wait === true ? '1h' : options.wait
      const asked = await client().post(
        `${pathOf(options.pool)}/reservations`,
        {
          client: options.client,
          count: options.count,
          labels: options.label,
          priority: options.priority,
          ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
          ...(options.reason === undefined ? {} : { reason: options.reason }),
          ...(wait === undefined ? {} : { wait }),
        },
        Reservation,
      )
      const reservation = asked.state === 'waiting' ? await standInLine(client(), terminal, asked) : asked
      if (reservation.state !== 'held')
        throw new SlipwayError('conflict', `the wait ended without an instance: ${reservation.ending ?? ''}`)
      if (options.json) return terminal.json(reservation)
      terminal.note(`reservation ${reservation.id}, until ${reservation.expires_at ?? ''}`)
      for (const { url } of reservation.instances) terminal.line(url)
    })

  subcommand(parent, 'release <reservation>', 'give the instance back, or leave the line').action(
    async (id: string, options: Common) => {
      const path = `${pathOf(options.pool)}/reservations/${encodeURIComponent(id)}`
      const reservation = Reservation.parse(await (await client().request(path, { method: 'DELETE' })).json())
      show(terminal, options, reservation, reservation.ending ?? 'kept for debugging')
    },
  )

  subcommand(
    parent,
    'extend <reservation> <duration>',
    'hold for that long from now, up to the maximum of the pool',
  ).action(async (id: string, timeout: string, options: Common) => {
    const path = `${pathOf(options.pool)}/reservations/${encodeURIComponent(id)}`
    const answer = await client().request(path, { method: 'PATCH', body: { timeout } })
    const reservation = Reservation.parse(await answer.json())
    show(terminal, options, reservation, `until ${reservation.expires_at ?? ''}`)
  })
}

function addViews(parent: Command, { terminal, client }: CommandContext): void {
  subcommand(parent, 'queue', 'show the line, with places and estimated waits').action(
    async ({ pool, json }: Common) => {
      const { queue } = await client().get(`${pathOf(pool)}/queue`, Queue)
      if (json) return terminal.json(queue)
      terminal.table(
        ['PLACE', 'CLIENT', 'COUNT', 'PRIORITY', 'SINCE', 'ABOUT'],
        queue.map((entry) => [
          String(entry.place),
          entry.client,
          String(entry.count),
          String(entry.priority),
          entry.since,
          entry.estimated_wait_seconds === null ? '-' : `${Math.ceil(entry.estimated_wait_seconds / 60)} min`,
        ]),
      )
    },
  )

  subcommand(parent, 'history [instance]', 'show what happened, newest first')
    .option('-n, --limit <number>', 'so many', wholeNumber, 20)
    .action(async (wanted: string | undefined, options: Common & { limit: number }) => {
      const path = wanted === undefined ? '' : `/instances/${(await findInstance(client(), options.pool, wanted)).id}`
      const { events } = await client().get(`${pathOf(options.pool)}${path}/history?limit=${options.limit}`, History)
      if (options.json) return terminal.json(events)
      terminal.table(
        ['AT', 'WHAT', 'INSTANCE', 'CLIENT', 'BY', 'LASTED', 'WHY'],
        events.map((event) => [
          event.at,
          event.kind,
          event.domain ?? '-',
          event.client ?? '-',
          event.actor,
          event.lasted_seconds === null ? '-' : `${event.lasted_seconds} s`,
          event.reason,
        ]),
      )
    })
}

/** Shows the place whenever it changes, until the wait is over. Ctrl-C leaves the line. */
async function standInLine(
  client: SlipwayClient,
  terminal: Terminal,
  asked: ReservationShape,
): Promise<ReservationShape> {
  const path = `${pathOf(asked.pool)}/reservations/${asked.id}`
  const leave = (): void => {
    void client.request(path, { method: 'DELETE' }).finally(() => process.exit(130))
  }
  process.once('SIGINT', leave)
  let shown: number | null = null
  let reservation = asked
  while (reservation.state === 'waiting') {
    if (reservation.place !== null && reservation.place !== shown) {
      const about = reservation.estimated_wait_seconds
      terminal.note(
        `place ${reservation.place} in the line${about === null ? '' : `, about ${Math.ceil(about / 60)} min`}`,
      )
      shown = reservation.place
    }
    reservation = await client.get(`${path}?wait=${LOOK_S}`, Reservation)
  }
  process.off('SIGINT', leave)
  return reservation
}

/** By id or by domain. */
async function findInstance(client: SlipwayClient, pool: string, wanted: string): Promise<z.output<typeof Instance>> {
  const { instances } = await client.get(`${pathOf(pool)}/instances`, Instances)
  const found = instances.find(({ id, domain }) => id === wanted || domain === wanted.toLowerCase())
  if (found === undefined) throw new SlipwayError('not_found', `there is no instance ${wanted} in the pool ${pool}`)
  return found
}

function show(terminal: Terminal, options: Common, answer: object, text: string): void {
  if (options.json) terminal.json(answer)
  else terminal.line(text)
}

function pathOf(pool: string): string {
  return `/api/v1/pools/${encodeURIComponent(pool)}`
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')
}

function collectLabel(text: string, labels: Readonly<Record<string, string>>): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.*)$/.exec(text) ?? []
  if (key === undefined || value === undefined) throw new InvalidArgumentError('write it as key=value')
  return { ...labels, [key]: value }
}

function wholeNumber(text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new InvalidArgumentError('not a whole number')
  return Number(text)
}
