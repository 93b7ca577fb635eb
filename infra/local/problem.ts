/** Something the local stack lacks or cannot do; the message is all a person needs. */
export class StackProblem extends Error {
  override readonly name = 'StackProblem'
}
