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

export const CONFIG = `version: 1

images:
  web: {dockerfile: Dockerfile}

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
`

export const FILES = {
  '.github/slipway.yml': CONFIG,
  Dockerfile: DOCKERFILE,
  [PAGE]: page('Hello from Slipway'),
  'README.md': '# hello\n',
}
