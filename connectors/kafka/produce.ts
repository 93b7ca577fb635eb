import type { Cluster } from './cluster.ts'
import { Again, check } from './codes.ts'
import type { Address } from './connection.ts'
import type { Lane } from './connections.ts'
import type { produce, ProducedPartition } from './requests.ts'
import { settled } from './settled.ts'

export interface Sealed { readonly topic: string, readonly partition: number, readonly bytes: Uint8Array }
export interface ProduceOptions {
  readonly api: typeof produce
  readonly transactionalId: string | null
  readonly timeoutMs: number
  readonly lane: Lane
  /** Whether batches whose fate is unknown may be sent again; their numbers let brokers drop what they have. */
  readonly again: boolean
  readonly patienceMs?: number
}

/**
 * Send stamped batches, at most one of a partition, to their leaders, until each is acknowledged. Gives the base offset of each, in order. Nothing is
 * under way any more when it rejects.
 *
 * Errors: Again with `indefinite` when an answer did not come and `again` is false; what the broker says; KAFKA_UNREACHABLE
 */
export async function produceAll (cluster: Cluster, batches: readonly Sealed[], options: ProduceOptions): Promise<readonly number[]> {
  const offsets = Array.from<number>({ length: batches.length })
  let open = batches.map((batch, at) => ({ batch, at }))
  await cluster.retry('append', async () => {
    const results = await settled((await byLeader(cluster, open)).map(group => sendTo(cluster, group, options)))
    const passing: Again[] = []
    const left: typeof open = []
    for (const { entry, offset } of results.flat()) {
      if (offset instanceof Again) {
        passing.push(offset)
        left.push(entry)
        cluster.forget(entry.batch.topic)
      } else {
        offsets[entry.at] = offset
      }
    }
    open = left
    const unknown = passing.find(({ indefinite }) => indefinite)
    if (unknown !== undefined && !options.again) throw new Unknown(unknown)
    if (passing.length > 0) throw passing[0]!
  }, { ...options.patienceMs !== undefined && { patienceMs: options.patienceMs } })
  return offsets
}

/** Not `Again`, so that nothing tries again: the outcome is for whoever began it to settle. */
export class Unknown extends Error {
  constructor (cause: Again) { super(cause.message, { cause: cause.cause ?? cause }) }
}

interface Entry { readonly batch: Sealed, readonly at: number }
interface Group { readonly address: Address, readonly entries: readonly Entry[] }

async function byLeader (cluster: Cluster, entries: readonly Entry[]): Promise<readonly Group[]> {
  const groups = new Map<number, { address: Address, entries: Entry[] }>()
  for (const entry of entries) {
    const { topic, partition } = entry.batch
    const leader = (await cluster.topicPlace(topic)).leaders[partition] ?? -1
    const group = groups.get(leader)
    try {
      if (group === undefined) groups.set(leader, { address: cluster.address(leader), entries: [entry] })
      else group.entries.push(entry)
    } catch (error) {
      if (error instanceof Again) cluster.forget(topic)
      throw error
    }
  }
  return [...groups.values()]
}

async function sendTo (cluster: Cluster, { address, entries }: Group, { api, transactionalId, timeoutMs, lane }: ProduceOptions): Promise<readonly { readonly entry: Entry, readonly offset: number | Again }[]> {
  const topics = new Map<string, { index: number, records: Uint8Array }[]>()
  for (const { batch: { topic, partition, bytes } } of entries) topics.set(topic, [...topics.get(topic) ?? [], { index: partition, records: bytes }])
  let answers: ReadonlyMap<string, ProducedPartition>
  try {
    const { responses } = await cluster.call(address, lane, api, { transactionalId, timeoutMs, topicData: [...topics].map(([name, partitionData]) => ({ name, partitionData })) })
    answers = new Map(responses.flatMap(({ name, partitionResponses }) => partitionResponses.map(answer => [`${answer.index} ${name}`, answer] as const)))
  } catch (error) {
    if (!(error instanceof Again)) throw error
    return entries.map(entry => ({ entry, offset: error }))
  }
  return entries.map(entry => {
    const { topic, partition } = entry.batch
    const answer = answers.get(`${partition} ${topic}`)
    try {
      if (answer === undefined) throw new Again('the answer lacks the partition', true)
      check(answer.errorCode, { topic, partition, needs: 'WRITE', message: answer.errorMessage ?? answer.recordErrors[0]?.batchIndexErrorMessage })
      return { entry, offset: answer.baseOffset }
    } catch (error) {
      if (!(error instanceof Again)) throw error
      return { entry, offset: error }
    }
  })
}
