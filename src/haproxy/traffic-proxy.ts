/**
 * One HAProxy per host, in a container of its own: it serves on when Slipway stops, and Slipway speaks to it only
 * through the Engine. The table of services lives in our database. Whoever applies it (one at a time a host,
 * `RouteStore.exclusively`) writes the files that the proxy would restart with, then tells the running one the same;
 * both may be repeated, so a crash between the two is mended by the next turn.
 */
import { SlipwayError } from '../core/errors.ts'
import type { ProbeOutcome, ProxyContainer, ProxyEngine, TrafficProxy } from '../deployment/ports.ts'
import type { Route } from '../deployment/index.ts'
import {
  backendName,
  CERTIFICATES,
  COMMAND_PORT,
  HTTP_PORT,
  HTTPS_PORT,
  PROXY_COMMAND,
  proxyFiles,
} from './proxy-config.ts'
import {
  commandLines,
  complaintsIn,
  hostCommands,
  PREPARE_HOSTS,
  preparedVersion,
  sessionsPerSlot,
  slotCommands,
} from './runtime-commands.ts'
import { parseSubnet, proxyAddress, slotAddress, type Subnet } from './slot-addresses.ts'

export interface TrafficProxyOptions {
  readonly image: string
  /** Ports on the host. */
  readonly http: number
  readonly https: number | null
  /** Folder on the host with one PEM bundle per domain. */
  readonly certificates: string | null
}

/** Seconds for one conversation on the proxy's own loopback. */
const COMMAND_LIMIT_S = 10
/** A proxy that has just started answers within a second, also on a busy machine within this. */
const START_LIMIT_MS = 30_000
const START_POLL_MS = 100

/** Asks HAProxy and its services with what its image has: bash in Debian's images, otherwise busybox. Arguments stay arguments. */
const TALK = `
if command -v bash >/dev/null 2>&1
then exec timeout "$4" bash -c 'exec 3<>"/dev/tcp/$1/$2" && printf "%s" "$3" >&3 && cat <&3' bash "$1" "$2" "$3"
else printf '%s' "$3" | timeout "$4" nc "$1" "$2"
fi`

/** `table` reads the host's rows: a proxy that has to be made anew starts with them. */
export function createTrafficProxy(
  engine: ProxyEngine,
  options: TrafficProxyOptions,
  table: () => Promise<readonly Route[]>,
): TrafficProxy {
  const network = `slipway-${engine.instance.slice(0, 12)}`
  const withTls = options.https !== null && options.certificates !== null

  async function present(): Promise<{ readonly id: string; readonly subnet: Subnet }> {
    const subnet = parseSubnet((await engine.ensureNetwork(network)).subnet)
    const { id, startedNow } = await engine.ensureContainer(proxyContainer(network, subnet), async () =>
      proxyFiles(await table(), subnet, withTls),
    )
    if (startedNow) await untilItAnswers(id)
    return { id, subnet }
  }

  function proxyContainer(name: string, subnet: Subnet): ProxyContainer {
    return {
      name: `${name}-proxy`,
      image: options.image,
      network: name,
      address: proxyAddress(subnet),
      ports: {
        [HTTP_PORT]: options.http,
        ...(withTls && options.https !== null ? { [HTTPS_PORT]: options.https } : {}),
      },
      command: PROXY_COMMAND,
      folders: withTls && options.certificates !== null ? { [options.certificates]: CERTIFICATES } : {},
      fingerprint: JSON.stringify([options.image, options.http, options.https, options.certificates, PROXY_COMMAND]),
    }
  }

  async function talk(
    id: string,
    host: string,
    port: number,
    text: string,
    limitS: number,
  ): Promise<{ exitCode: number; output: string }> {
    return engine.exec(id, ['sh', '-c', TALK, 'sh', host, String(port), text, String(limitS)])
  }

  async function command(id: string, line: string): Promise<string> {
    const { exitCode, output } = await talk(id, '127.0.0.1', COMMAND_PORT, `${line}\n`, COMMAND_LIMIT_S)
    if (exitCode !== 0)
      throw new SlipwayError('host_refused', `the proxy on ${engine.host} takes no commands: ${output.trim()}`)
    return output
  }

  async function untilItAnswers(id: string): Promise<void> {
    const deadline = performance.now() + START_LIMIT_MS
    for (;;) {
      const { exitCode, output } = await talk(id, '127.0.0.1', COMMAND_PORT, 'show version\n', COMMAND_LIMIT_S)
      if (exitCode === 0 && /\d/.test(output)) return
      if (performance.now() > deadline)
        throw new SlipwayError('host_refused', `the proxy on ${engine.host} does not start: ${output.trim()}`)
      await new Promise((resolve) => setTimeout(resolve, START_POLL_MS))
    }
  }

  async function tell(id: string, commands: readonly string[]): Promise<void> {
    for (const line of commandLines(commands)) {
      const [complaint] = complaintsIn(await command(id, line))
      if (complaint !== undefined)
        throw new SlipwayError('host_refused', `the proxy on ${engine.host} says: ${complaint}`)
    }
  }

  return {
    async ensure() {
      await present()
      return { network }
    },
    async addressOf(backend, slot) {
      return slotAddress(parseSubnet((await engine.ensureNetwork(network)).subnet), backend, slot)
    },
    async apply(routes, only) {
      const { id, subnet } = await present()
      await engine.writeFiles(id, proxyFiles(routes, subnet, withTls))
      const version = preparedVersion(await command(id, PREPARE_HOSTS))
      if (version === null)
        throw new SlipwayError('host_refused', `the proxy on ${engine.host} cannot change its list of names`)
      // Opening comes before naming: a name never leads to a backend that is still closed.
      const changed = routes.filter((route) => only === undefined || route.serviceId === only)
      await tell(id, [...changed.flatMap((route) => slotCommands(route, subnet)), ...hostCommands(routes, version)])
    },
    async sessions(backend, slots) {
      const { id } = await present()
      const perSlot = sessionsPerSlot(await command(id, `show stat ${backendName(backend)} 4 -1`))
      return slots.reduce((sum, slot) => sum + (perSlot.get(slot) ?? 0), 0)
    },
    async probe({ address, port, path, host, timeoutMs }) {
      const { id } = await present()
      const limitS = Math.max(1, Math.ceil(timeoutMs / 1000))
      const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: slipway-healthcheck\r\nConnection: close\r\n\r\n`
      const { output } = await talk(id, address, port, request, limitS)
      return readAnswer(output)
    },
  }
}

function readAnswer(output: string): ProbeOutcome {
  const status = /^HTTP\/\d(?:\.\d)? (\d{3})/.exec(output)?.[1]
  if (status !== undefined) return { kind: 'status', status: Number(status) }
  const [firstLine = ''] = output.trim().split('\n')
  return { kind: 'no_answer', cause: firstLine === '' ? 'no answer' : firstLine.slice(0, 200) }
}
