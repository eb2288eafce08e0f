/** The release of Slipway, as in package.json; a test keeps the two together. */
export const VERSION = '0.1.0'
/** The commit it was built from, where the build knows it. */
export const COMMIT = 'unknown'
