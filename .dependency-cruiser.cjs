/**
 * The house rules of ARCHITECTURE as rules: who may know whom. `npm run check` fails on the first breach, type-only
 * imports included. Read a rule as "from ... may not reach to ...".
 */
const features = 'images|pool|pipeline|deployment|packages|report'
const adapters = 'store|queue|docker|github|git|blobs|logs|haproxy|mail|metrics|notify'
const delivery = 'app|http|web|cli'
const rooms = `core|config|${features}|flow|${adapters}|${delivery}|simulate`
/** Node's own modules that touch the world; the others (path, util, url, buffer, crypto) only compute. */
const effects =
  '^(node:)?(fs|net|http|https|http2|tls|dns|dgram|child_process|cluster|worker_threads|readline|inspector)(/|$)'

const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

module.exports = {
  forbidden: [
    forbid(
      'no-circles',
      'What needs itself through others to start cannot be read alone.',
      {},
      {
        circular: true,
        viaOnly: { dependencyTypesNot: ['type-only'] },
      },
    ),
    forbid('no-unresolved', 'An import must lead somewhere.', {}, { couldNotResolve: true }),
    forbid(
      'no-missing-package',
      'Code may use what package.json names.',
      {
        path: '^(src|migrations)/',
        pathNot: '-from-source\\.mjs$',
      },
      {
        dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'],
        // Names of types only; nothing of them is left at run time.
        dependencyTypesNot: ['type-only'],
      },
    ),
    forbid('no-tests-in-source', 'The product does not know its tests.', { path: '^src/' }, { path: '^(test|bench)/' }),

    forbid(
      'core-knows-nothing',
      'The vocabulary has no packages and no rooms.',
      { path: '^src/core/' },
      {
        path: ['^src/(?!core/)', '^migrations/', 'node_modules/', effects],
      },
    ),
    forbid(
      'config-knows-core',
      'Configuration is parsed into values of core.',
      { path: '^src/config/' },
      {
        path: `^src/(?!core/|config/)`,
      },
    ),
    forbid(
      'features-do-not-meet',
      'Two features that need the same type move it to core.',
      {
        path: `^src/(${features})/`,
      },
      { path: `^src/(${features})/`, pathNot: '^src/$1/' },
    ),
    forbid(
      'features-know-no-world',
      'Features act through their ports.',
      { path: `^src/(${features})/` },
      {
        path: [
          `^src/(?!core/|config/|${features
            .split('|')
            .map((name) => `${name}/`)
            .join('|')})`,
          effects,
        ],
      },
    ),
    forbid(
      'flow-through-doors',
      'A flow sees a feature from its door.',
      { path: '^src/flow/' },
      {
        path: `^src/(${features})/(?!(index|ports)\\.ts$)`,
      },
    ),
    forbid(
      'flow-knows-features-only',
      'A flow decides; adapters come as arguments.',
      { path: '^src/flow/' },
      {
        path: [`^src/(${adapters}|${delivery}|simulate)/(?!ports\\.ts$)`, '^src/(compose|main|index)\\.ts$', effects],
      },
    ),
    forbid(
      'adapters-do-not-meet',
      'Each adapter stands alone; compose.ts introduces them.',
      {
        path: `^src/(${adapters})/`,
      },
      { path: `^src/(${adapters})/(?!ports\\.ts$|notify-ports\\.ts$)`, pathNot: '^src/$1/' },
    ),
    forbid(
      'adapters-know-ports',
      'An adapter fills ports and may ask a rule at a door; it knows no insides.',
      {
        path: `^src/(${adapters})/`,
      },
      {
        path: [
          `^src/(${features})/(?!(index|ports)\\.ts$)`,
          `^src/(flow|${delivery})/(?!(ports|deps)\\.ts$)`,
          '^src/simulate/',
          '^src/[^/]+\\.ts$',
        ],
      },
    ),
    forbid(
      'delivery-knows-no-adapter',
      'Doors get adapters as arguments typed by ports.',
      {
        path: `^src/(${delivery})/`,
      },
      { path: `^src/(${adapters})/(?!ports\\.ts$)` },
    ),
    forbid(
      'delivery-through-doors',
      'Doors see a feature from its door.',
      { path: `^src/(${delivery})/` },
      {
        path: `^src/(${features})/(?!(index|ports)\\.ts$)`,
      },
    ),
    forbid(
      'doors-do-not-meet',
      'Two doors that need the same thing move it to flow, report or core.',
      {
        path: `^src/(${delivery})/`,
      },
      { path: `^src/(${delivery})/`, pathNot: '^src/$1/' },
    ),
    forbid(
      'simulate-stands-alone',
      'The simulated GitHub must not share our view of GitHub.',
      {
        path: '^src/simulate/',
      },
      { path: '^src/(?!core/|simulate/)' },
    ),
    forbid(
      'only-the-top-composes',
      'The parts list is known by the entries alone; the command line is one of them.',
      { path: `^src/(${rooms})/`, pathNot: '^src/cli/main\\.ts$' },
      {
        path: '^src/(compose/|(main|index)\\.ts$)',
      },
    ),

    forbid(
      'knex-and-pg-in-store',
      'SQL lives in one room.',
      { pathNot: '^(src/store|migrations|test|bench|scripts)/' },
      {
        path: 'node_modules/(knex|pg|sql-template-tag)/',
      },
    ),
    forbid(
      'dockerode-in-docker',
      'Docker is spoken in one room.',
      { pathNot: '^(src/docker|test|bench|scripts)/' },
      {
        path: 'node_modules/dockerode/',
      },
    ),
    forbid(
      'octokit-at-the-edges',
      'GitHub is spoken in two rooms.',
      {
        path: '^src/',
        pathNot: ['^src/(app|github)/', '^src/(compose/|(index|main)\\.ts$)'],
      },
      { path: 'node_modules/(probot|@octokit)/' },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json', '.d.ts'],
    },
  },
}
