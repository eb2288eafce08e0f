/**
 * HAProxy's configuration as data. All backends with all their places exist from the start, so nothing that happens
 * later needs a reload; the present table is written into it as well, so a restarted proxy serves what it served.
 */
import { MAX_BACKENDS, SLOTS_PER_BACKEND, type Route, type RouteSlot } from '../deployment/index.ts'
import { slotAddress, type Subnet } from './slot-addresses.ts'

/** Inside the container. The command port listens on its loopback, so nothing but an exec in the container gets there. */
export const HTTP_PORT = 8080
export const HTTPS_PORT = 8443
export const COMMAND_PORT = 9999
const FOLDER = '/slipway'
export const CERTIFICATES = `${FOLDER}/certificates`
const CONFIG_FILE = `${FOLDER}/haproxy.cfg`
const HOSTS_FILE = `${FOLDER}/hosts.map`
const UNAVAILABLE_FILE = `${FOLDER}/503.http`
const UNKNOWN_FILE = `${FOLDER}/404.http`

export const PROXY_COMMAND = ['haproxy', '-W', '-db', '-f', CONFIG_FILE] as const
export { HOSTS_FILE }

/** A port for places that never had one; they are off. */
const NO_PORT = 9

export function backendName(backend: number): string {
  return `b${backend}`
}

export function slotName(slot: number): string {
  return `s${slot}`
}

/** Path to content. */
export function proxyFiles(
  routes: readonly Route[],
  subnet: Subnet,
  withTls: boolean,
): Readonly<Record<string, string>> {
  return {
    [CONFIG_FILE]: proxyConfig(routes, subnet, withTls),
    [HOSTS_FILE]: hostEntries(routes)
      .map(([host, backend]) => `${host} ${backend}\n`)
      .join(''),
    [UNAVAILABLE_FILE]: page(
      503,
      'Service Unavailable',
      'This service is being put back in place. Please try again in a moment.',
    ),
    [UNKNOWN_FILE]: page(404, 'Not Found', 'No service answers to this name.'),
  }
}

/** Host name to backend, sorted so that equal tables make equal files. */
export function hostEntries(routes: readonly Route[]): readonly (readonly [string, string])[] {
  return routes
    .flatMap((route) => route.domains.map((domain) => [domain.toLowerCase(), backendName(route.backend)] as const))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
}

function proxyConfig(routes: readonly Route[], subnet: Subnet, withTls: boolean): string {
  const byBackend = new Map(routes.map((route) => [route.backend, route]))
  const backends = Array.from({ length: MAX_BACKENDS }, (_, backend) =>
    backendLines(backend, byBackend.get(backend)?.slots ?? [], subnet),
  )
  return `${[...head(withTls), ...backends.flat()].join('\n')}\n`
}

function head(withTls: boolean): readonly string[] {
  return [
    'global',
    `  stats socket ipv4@127.0.0.1:${COMMAND_PORT} level admin`,
    '  stats timeout 10s',
    '  # As many connections as the host allows; beyond this their tables alone would take memory worth mentioning.',
    '  fd-hard-limit 65536',
    '  # Connections that a reload finds open may finish for this long.',
    '  hard-stop-after 60s',
    'defaults',
    '  mode http',
    '  timeout connect 5s',
    '  timeout client 5m',
    '  timeout server 5m',
    '  timeout queue 30s',
    '  timeout http-request 30s',
    '  timeout http-keep-alive 60s',
    '  # Upgraded connections, such as WebSockets, that say nothing.',
    '  timeout tunnel 1h',
    '  timeout check 5s',
    '  retries 3',
    '  option redispatch 1',
    '  option forwardfor',
    `  errorfile 503 ${UNAVAILABLE_FILE}`,
    'frontend web',
    `  bind :${HTTP_PORT}`,
    ...(withTls ? [`  bind :${HTTPS_PORT} ssl crt ${CERTIFICATES}/ alpn h2,http/1.1`] : []),
    '  http-request set-header X-Forwarded-Proto https if { ssl_fc }',
    '  http-request set-header X-Forwarded-Proto http if !{ ssl_fc }',
    '  http-request set-header X-Forwarded-Host %[req.hdr(host)]',
    `  use_backend %[req.hdr(host),field(1,:),lower,map_str(${HOSTS_FILE},unknown)]`,
    'backend unknown',
    `  errorfile 404 ${UNKNOWN_FILE}`,
    '  http-request deny deny_status 404',
  ]
}

function backendLines(backend: number, slots: readonly RouteSlot[], subnet: Subnet): readonly string[] {
  const bySlot = new Map(slots.map((slot) => [slot.slot, slot]))
  return [
    `backend ${backendName(backend)}`,
    // A dead replica is passed over; patient, because a false alarm on a busy machine would be an outage.
    '  default-server check inter 2s fall 3 rise 1',
    ...Array.from({ length: SLOTS_PER_BACKEND }, (_, index) => {
      const slot = bySlot.get(index)
      const isOn = slot?.state === 'ready'
      return `  server ${slotName(index)} ${slotAddress(subnet, backend, index)}:${slot?.port ?? NO_PORT}${isOn ? '' : ' disabled'}`
    }),
  ]
}

function page(status: number, title: string, text: string): string {
  const body = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1><p>${text}</p></html>\n`
  return `HTTP/1.1 ${status} ${title}\r\ncontent-type: text/html; charset=utf-8\r\ncache-control: no-store\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}
