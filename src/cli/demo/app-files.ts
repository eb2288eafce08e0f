/** The app of the story: a page that busybox serves, with everything Slipway can do for it. */

export const PAGE = 'www/index.html'

export const DOCKERFILE = `FROM busybox
COPY www /www
RUN grep -q Hello /www/index.html
EXPOSE 8080
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
`

/** The third line calls a program that does not exist. */
export const BROKEN_DOCKERFILE = DOCKERFILE.replace('grep', 'gerp')

export function page(text: string): string {
  return `<!doctype html>\n<title>Hello</title>\n<h1>${text}</h1>\n`
}

/** Where the service answers, by name: the proxy tells services apart by the name that was asked for. */
export const DOMAIN = 'hello.localhost'

/** @param proxyPort where the proxy listens on the Docker host */
export function config(proxyPort: number): string {
  return `version: 1

images:
  web: {dockerfile: Dockerfile}

services:
  www:
    image: web
    branch: live
    host: default
    driver: container
    environment: production
    url: http://${DOMAIN}:${proxyPort}
    port: 8080
    domains: [${DOMAIN}]
    healthcheck: {path: /, deadline: 10s}
    bake: 1s

pipeline:
  image: busybox
  stages:
    test:
      pool: {name: default}
      cache: [{key: tools-1, paths: [.tools]}]
      artifacts: {paths: [report.txt]}
      steps:
        - name: tools
          commands: ["[ -d .tools ] && echo have them || { echo fetching; mkdir .tools; cp /bin/busybox .tools; }"]
        - name: page
          commands:
            - grep Hello www/index.html
            - echo "tested on $SLIPWAY_INSTANCE_URL" | tee report.txt

packages:
  hello:
    tags: ["v*"]
    image: busybox
    commands: ["tar -cf hello.tar www"]
    artifact: hello.tar
`
}

/** What the first commit brings besides its configuration. */
export const FILES = {
  Dockerfile: DOCKERFILE,
  [PAGE]: page('Hello from Slipway'),
  'README.md': '# hello\n',
}
