import type { Commit } from '../core/ports.ts'

const bytesMax = 4 << 20

interface Waiting { readonly append: Commit['appends'][number], readonly resolve: () => void, readonly reject: (error: unknown) => void }

/**
 * Appends of many, in as few commits as they can go in: while one commit is under way, what comes gathers for the next.
 *
 * Delivery: appends to one partition keep their order; each resolves with its commit
 * Limits:   one commit at a time, of 4 MiB or one append
 */
export class GatheredAppends {
  readonly #commit: (commit: Commit) => Promise<void>
  #waiting: Waiting[] = []
  #busy = false

  constructor (commit: (commit: Commit) => Promise<void>) { this.#commit = commit }

  append (topic: string, partition: number, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ append: { topic, partition, bytes }, resolve, reject })
      if (!this.#busy) void this.#run()
    })
  }

  async #run (): Promise<void> {
    this.#busy = true
    // Those who ask in the same turn go together.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      let bytes = 0
      const count = this.#waiting.findIndex(({ append }, at) => { bytes += append.bytes.length; return at > 0 && bytes > bytesMax })
      const going = this.#waiting.splice(0, count < 0 ? this.#waiting.length : count)
      try {
        await this.#commit({ appends: going.map(({ append }) => append), offsets: [] })
        for (const { resolve } of going) resolve()
      } catch (error) {
        for (const { reject } of going) reject(error)
      }
    }
    this.#busy = false
  }
}
