/** A line to a database that can be cut, refused and stalled: `DATABASE_URL` leads through a proxy to the real server. */
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

export interface DatabaseLine {
  readonly url: string
  readonly proxy: TcpProxy
}

/** @param url of a test's database, over TCP or over a Unix socket */
export async function openDatabaseLine(url: string): Promise<DatabaseLine> {
  const given = new URL(url)
  const socketFolder = given.searchParams.get('host')
  const port = Number(given.port === '' ? '5432' : given.port)
  const proxy = await startTcpProxy(
    socketFolder === null ? { host: given.hostname, port } : { path: `${socketFolder}/.s.PGSQL.${port}` },
  )
  const through = new URL(url)
  through.hostname = '127.0.0.1'
  through.port = String(proxy.port)
  through.searchParams.delete('host')
  return { url: through.href, proxy }
}
