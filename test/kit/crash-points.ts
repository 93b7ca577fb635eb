import type { Api } from '../../connectors/kafka/api.ts'
import type { Address } from '../../connectors/kafka/connection.ts'
import { Connections, type ConnectionsOptions, type Lane, type Wire } from '../../connectors/kafka/connections.ts'
import { type At, type Point, points } from '../../pipelines/runtime/points.ts'

const requests = ['Produce', 'TxnOffsetCommit', 'EndTxn', 'InitProducerId', 'JoinGroup', 'SyncGroup', 'OffsetFetch', 'Fetch']

/** Where a worker may be told to die: between the steps of the race, and as a request goes out or its answer is there. */
export const crashPoints: readonly string[] = [...points, ...requests.flatMap(name => [`${name} sent`, `${name} answered`])]

/**
 * Dies, as of `kill -9`, the nth time that it comes to the point which MILLRACE_CRASH_AT names as `point#n`.
 *
 * Errors: an unknown point is refused at once
 */
export class CrashAt {
  readonly #point: string | null
  #left: number

  constructor (said: string | undefined) {
    const [, point, nth] = /^(.+)#(\d+)$/.exec(said ?? '') ?? []
    if (said !== undefined && !crashPoints.includes(point ?? '')) throw new Error(`MILLRACE_CRASH_AT=${said} names no point: ${crashPoints.join(', ')}`)
    this.#point = point ?? null
    this.#left = Number(nth)
  }

  readonly at: At = (point: Point) => { this.come(point) }

  come (point: string): void {
    if (point !== this.#point) return
    this.#left -= 1
    if (this.#left === 0) process.kill(process.pid, 'SIGKILL')
  }

  /** The network, watched. */
  wire (options: ConnectionsOptions): Wire {
    const connections = new Connections(options)
    const call = async <Q, A>(address: Address, lane: Lane, asked: Api<Q, A>, request: Q): Promise<A> => {
      const answer = connections.call(address, lane, asked, request)
      if (!requests.includes(asked.name)) return answer
      // Later: so that the request is on its way.
      setImmediate(() => { this.come(`${asked.name} sent`) })
      const answered = await answer
      this.come(`${asked.name} answered`)
      return answered
    }
    return { call, close: () => connections.close() }
  }
}
