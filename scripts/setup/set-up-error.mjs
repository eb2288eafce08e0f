/** A set-up that cannot go on: one line that says what to do. */
export class SetUpError extends Error {
  name = 'SetUpError'
}
