import { createHash } from 'node:crypto'

/** What happened, in order, as one number: two runs of a seed must give the same. */
export class Trace {
  readonly #hash = createHash('sha256')
  readonly #print = process.env.TRACE !== undefined

  say (line: string): void {
    this.#hash.update(line)
    this.#hash.update('\n')
    if (this.#print) console.log(line)
  }

  get hash (): string { return this.#hash.copy().digest('hex').slice(0, 16) }
}
