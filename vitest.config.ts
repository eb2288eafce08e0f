import { defineConfig } from 'vitest/config'

export default defineConfig({
  // JSX of hono, as tsconfig.json says it.
  oxc: { jsx: { runtime: 'automatic', importSource: 'hono/jsx' } },
  test: {
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    globalSetup: 'test/support/global-setup.ts',
    // Processes, not threads: tests fork, listen and end real servers, and a native crash must name its file.
    pool: 'forks',
    // Real Docker and PostgreSQL do the work; more workers than this only queue for them.
    maxWorkers: 2,
    // A limit against hanging, not a measure: a busy machine may take ten times as long as a free one.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // The tests speak to servers on this machine; a proxy of the environment must not get in between.
    env: { NO_PROXY: '*', no_proxy: '*' },
  },
})
