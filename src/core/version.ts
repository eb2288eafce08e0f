/** The release of Slipway, as in package.json; a test keeps the two together. */
export const VERSION = '0.1.0'
/** Written in by the build; not there when the sources run by themselves. */
declare const SLIPWAY_BUILD_COMMIT: string | undefined
/** The short commit it was built from, where the build knows it. */
export const COMMIT = typeof SLIPWAY_BUILD_COMMIT === 'string' ? SLIPWAY_BUILD_COMMIT : 'unknown'
