/** The floor of webhooks: node:http, the signature's check, one INSERT a request. PORT, DATABASE_URL, SECRET. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import pg from 'pg'

const { PORT, DATABASE_URL, SECRET } = process.env
/** As many connections as Slipway's own pool has. */
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 16 })
await pool.query(
  'create table if not exists floor_deliveries (id text primary key, event text not null, payload text not null, at timestamptz not null default now())',
)

const server = createServer((request, response) => {
  if (request.method === 'GET') return response.end('ok')
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => void store(request, Buffer.concat(chunks), response))
})

async function store({ headers }, body, response) {
  const wanted = Buffer.from(`sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`)
  const given = Buffer.from(headers['x-hub-signature-256'] ?? '')
  if (wanted.length !== given.length || !timingSafeEqual(wanted, given)) return response.writeHead(401).end()
  await pool.query({
    name: 'insert',
    text: 'insert into floor_deliveries (id, event, payload) values ($1, $2, $3) on conflict do nothing',
    values: [headers['x-github-delivery'], headers['x-github-event'], body.toString('utf8')],
  })
  response.writeHead(202).end('{}')
}

server.listen(Number(PORT), '127.0.0.1')
