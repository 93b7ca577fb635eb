import { initProducerIdV5, joinGroupV9, offsetFetchV9, syncGroupV5 } from '@platformatic/kafka'
import { type Address, Connections, type ConnectionsOptions, type Lane, type Wire } from '../../connectors/kafka/connections.ts'
import { endTxnV5, fetchV17, produceV12, txnOffsetCommitV5 } from '../../connectors/kafka/requests.ts'
import { type At, type Point, points } from '../../pipelines/runtime/points.ts'

type Api = Parameters<Wire['call']>[2]
const requests = new Map<unknown, string>([
  [produceV12, 'Produce'], [txnOffsetCommitV5, 'TxnOffsetCommit'], [endTxnV5, 'EndTxn'], [initProducerIdV5.api, 'InitProducerId'],
  [joinGroupV9.api, 'JoinGroup'], [syncGroupV5.api, 'SyncGroup'], [offsetFetchV9.api, 'OffsetFetch'], [fetchV17, 'Fetch'],
])

/** Where a worker may be told to die: between the steps of the race, and as a request goes out or its answer is there. */
export const crashPoints: readonly string[] = [...points, ...[...requests.values()].flatMap(name => [`${name} sent`, `${name} answered`])]

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
    const call = async <A extends unknown[], R>(address: Address, lane: Lane, api: Api, ...args: A): Promise<R> => {
      const name = requests.get(api)
      const answer = connections.call(address, lane, api as never, ...args as never) as Promise<R>
      // Later: so that the request is on its way.
      if (name !== undefined) setImmediate(() => { this.come(`${name} sent`) })
      const answered = await answer
      if (name !== undefined) this.come(`${name} answered`)
      return answered
    }
    return { call: call as Wire['call'], close: () => connections.close() }
  }
}
