/** The admin's file of the demo: one Docker host, a pool with two instances, and what the repository may use. */
import type { HostEndpoint } from '../../config/server-config.ts'

export const DEMO_HOST = 'default'

/** A `DOCKER_HOST` over TCP cannot be named in the file without certificates; then Slipway's own default stays. */
export function serverFile(docker: HostEndpoint, proxyPort: number): string {
  const hosts = docker.kind === 'unix' ? hostsSection(docker.path, proxyPort) : ''
  return `admins: [octocat]
${hosts}pools:
  default:
    instances:
      - {domain: ci-instance1.example.com, token: token-of-instance-1}
      - {domain: ci-instance2.example.com, token: token-of-instance-2}
repositories:
  "acme/*":
    hosts: [${DEMO_HOST}]
    pools: [default]
`
}

function hostsSection(socket: string, proxyPort: number): string {
  return `hosts:
  ${DEMO_HOST}:
    endpoint: ${JSON.stringify(`unix://${socket}`)}
    proxy: {http: ${proxyPort}}
`
}
