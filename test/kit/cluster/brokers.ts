import type { API } from '@platformatic/kafka'
import * as toolkit from '@platformatic/kafka'
import { apiVersionsV3, endTxnV5, type FetchAnswer, type FetchAsk, fetchV17, type ProducedPartition, type ProduceTopic, produceV11, produceV12, type TransactionOffsets, txnOffsetCommitV5 } from '../../../connectors/kafka/requests.ts'
import type { ClockPort } from '../../../pipelines/core/ports.ts'
import { code } from './codes.ts'
import { BrokerGroup } from './group.ts'
import { GroupOffsets } from './offsets.ts'
import { BrokerPartition } from './partition.ts'
import { TransactionCoordinator } from './transactions.ts'

const node = { nodeId: 1, host: 'broker', port: 9092 }
const earliest = -2n
const latest = -1n
const batchBytesMax = 16 << 20

interface BrokerTopic { readonly id: string, readonly name: string, readonly partitions: BrokerPartition[], readonly configs: Map<string, string> }
export interface BrokersOptions {
  readonly clock: ClockPort
  /** How long each marker of a transaction takes. */
  readonly markerMs?: () => number
}

/** Name and handler of a request. */
export interface Served { readonly name: string, readonly handle: (...args: never[]) => unknown }

/**
 * A cluster in memory, as far as the connector uses one: topics, transactions, groups and their offsets. What a client asks is decided at once, or
 * when what it waits for has come; the way there and back is the network's.
 *
 * State: everything; it outlives the clients that a test kills
 */
export class Brokers {
  readonly clock: ClockPort
  readonly transactions: TransactionCoordinator
  readonly #topics = new Map<string, BrokerTopic>()
  readonly #groups = new Map<string, { readonly group: BrokerGroup, readonly offsets: GroupOffsets }>()
  readonly #waiting = new Set<() => void>()
  #topicsMade = 0

  constructor ({ clock, markerMs = () => 0 }: BrokersOptions) {
    this.clock = clock
    this.transactions = new TransactionCoordinator(clock, { markerMs, mark: (participant, producerId, epoch, committed) => { this.#mark(participant, { producerId, epoch, committed }) } })
  }

  partition (topic: string, partition: number): BrokerPartition {
    const found = this.#topics.get(topic)?.partitions[partition]
    if (found === undefined) throw new RangeError(`there is no ${topic}/${partition}`)
    return found
  }

  topic (name: string): BrokerTopic | undefined { return this.#topics.get(name) }

  group (name: string): { readonly group: BrokerGroup, readonly offsets: GroupOffsets } {
    let found = this.#groups.get(name)
    if (found === undefined) this.#groups.set(name, found = { group: new BrokerGroup(this.clock), offsets: new GroupOffsets() })
    return found
  }

  get groups (): readonly BrokerGroup[] { return [...this.#groups.values()].map(({ group }) => group) }

  createTopic (name: string, { partitions, configs }: { readonly partitions: number, readonly configs: ReadonlyMap<string, string> }): string | null {
    if (this.#topics.has(name)) return 'TOPIC_ALREADY_EXISTS'
    this.#topicsMade += 1
    this.#topics.set(name, { id: `00000000-0000-0000-0000-${`${this.#topicsMade}`.padStart(12, '0')}`, name, partitions: Array.from({ length: partitions }, () => new BrokerPartition()), configs: new Map(configs) })
    return null
  }

  /** What any client may append, outside transactions. */
  append (topic: string, partition: number, bytes: Uint8Array): { readonly errorCode: number, readonly baseOffset: number } {
    const found = this.#topics.get(topic)
    const target = found?.partitions[partition]
    if (found === undefined || target === undefined) return { errorCode: code('UNKNOWN_TOPIC_OR_PARTITION'), baseOffset: -1 }
    const stampMs = found.configs.get('message.timestamp.type') === 'LogAppendTime' ? this.clock.wallMs() : null
    const appended = target.append(bytes, { stampMs, batchBytesMax, keyed: found.configs.get('cleanup.policy') === 'compact' })
    this.#moved()
    return appended
  }

  /** What serves a request of the connector's. */
  serving (api: API<never[], unknown>): Served {
    const found = this.#served.get(api)
    if (found === undefined) throw new RangeError('the brokers of the test do not know this request')
    return found
  }

  readonly #served = new Map<unknown, Served>([
    [apiVersionsV3, { name: 'versions', handle: () => ({ errorCode: 0, versions: new Map(), finalised: new Map([['transaction.version', 2]]) }) }],
    [toolkit.metadataV12.api, { name: 'metadata', handle: (names: string[] | null) => this.#metadata(names) }],
    [toolkit.findCoordinatorV6.api, { name: 'coordinator', handle: (_kind: number, keys: string[]) => ({ coordinators: keys.map(key => ({ key, errorCode: 0, ...node })) }) }],
    [toolkit.createTopicsV7.api, { name: 'create', handle: (topics: Creation[]) => ({ topics: topics.map(({ name, numPartitions, configs }) => ({ name, errorCode: code(this.createTopic(name, { partitions: numPartitions, configs: new Map(configs.map(({ name, value }) => [name, value])) })), errorMessage: null })) }) }],
    [toolkit.deleteTopicsV6.api, { name: 'delete', handle: (topics: { topicId: string }[]) => ({ responses: topics.map(({ topicId }) => ({ errorCode: code(this.#delete(topicId)) })) }) }],
    [toolkit.describeConfigsV4.api, { name: 'configs', handle: (asked: { resourceName: string }[]) => ({ results: asked.map(({ resourceName }) => this.#configs(resourceName)) }) }],
    [toolkit.incrementalAlterConfigsV1.api, { name: 'alter', handle: (asked: Alteration[]) => ({ responses: asked.map(({ resourceName, configs }) => { for (const { name, value } of configs) this.#topics.get(resourceName)?.configs.set(name, value); return { errorCode: 0, errorMessage: null } }) }) }],
    [toolkit.listOffsetsV9.api, { name: 'offsets', handle: (_replica: number, _isolation: number, topics: Listing[]) => ({ topics: topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(one => this.#listed(name, one)) })) }) }],
    [toolkit.deleteRecordsV2.api, { name: 'trim', handle: (topics: Trimming[]) => ({ topics: topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(({ partitionIndex, offset }) => this.#trimmed(name, partitionIndex, Number(offset))) })) }) }],
    [toolkit.initProducerIdV5.api, { name: 'init', handle: (id: string | null, timeoutMs: number) => { const { error, producerId, epoch } = this.transactions.initialise(id, timeoutMs); return { errorCode: code(error), producerId, producerEpoch: epoch } } }],
    [produceV11, { name: 'append', handle: (id: string | null, _timeoutMs: number, topics: ProduceTopic[]) => this.#produced(id, topics) }],
    [produceV12, { name: 'produce', handle: (id: string | null, _timeoutMs: number, topics: ProduceTopic[]) => this.#produced(id, topics) }],
    [txnOffsetCommitV5, { name: 'commit-offsets', handle: (ask: TransactionOffsets) => this.#holdOffsets(ask) }],
    [endTxnV5, { name: 'end', handle: (id: string, producerId: bigint, epoch: number, committed: boolean) => { const { error, ...now } = this.transactions.end(id, producerId, epoch, committed); return { errorCode: code(error), ...now } } }],
    [fetchV17, { name: 'fetch', handle: (ask: FetchAsk) => this.#fetched(ask) }],
    [toolkit.offsetFetchV9.api, { name: 'committed', handle: (groups: OffsetAsk[], stable: boolean) => ({ groups: groups.map(one => this.#committed(one, stable)) }) }],
    [toolkit.joinGroupV9.api, { name: 'join', handle: async (group: string, sessionMs: number, rebalanceMs: number, memberId: string, instanceId: string | null, _type: string, [first]: { name: string, metadata: Buffer }[]) => {
      const { error, generation, ...rest } = await this.group(group).group.join({ memberId, instanceId, protocol: first!.name, metadata: first!.metadata, sessionMs, rebalanceMs })
      return { errorCode: code(error), generationId: generation, protocolName: rest.protocol, ...rest }
    } }],
    [toolkit.syncGroupV5.api, { name: 'sync', handle: async (group: string, generation: number, memberId: string, instanceId: string | null, _type: string, _name: string, shares: { memberId: string, assignment: Buffer }[]) => {
      const { error, assignment } = await this.group(group).group.sync({ memberId, instanceId, generation }, new Map(shares.map(({ memberId, assignment }) => [memberId, assignment])))
      return { errorCode: code(error), assignment }
    } }],
    [toolkit.heartbeatV4.api, { name: 'heartbeat', handle: (group: string, generation: number, memberId: string, instanceId: string | null) => ({ errorCode: code(this.group(group).group.heartbeat({ memberId, instanceId, generation })) }) }],
    [toolkit.leaveGroupV5.api, { name: 'leave', handle: (group: string, members: { memberId: string, groupInstanceId?: string | null }[]) => ({ errorCode: 0, members: members.map(({ memberId, groupInstanceId = null }) => ({ memberId, errorCode: code(this.group(group).group.leave({ memberId, instanceId: groupInstanceId })) })) }) }],
    [toolkit.describeGroupsV5.api, { name: 'describe', handle: (groups: string[]) => ({ groups: groups.map(group => ({ errorCode: 0, groupId: group, groupState: groupStates[this.group(group).group.state], members: this.group(group).group.members })) }) }],
  ])

  #metadata (names: string[] | null) {
    const topics = (names ?? [...this.#topics.keys()]).map(name => {
      const found = this.#topics.get(name)
      if (found === undefined) return { errorCode: code('UNKNOWN_TOPIC_OR_PARTITION'), name, topicId: '', isInternal: false, partitions: [] }
      return { errorCode: 0, name, topicId: found.id, isInternal: false, partitions: found.partitions.map((_, partitionIndex) => ({ partitionIndex, leaderId: node.nodeId })) }
    })
    return { brokers: [node], topics }
  }

  #delete (topicId: string): string | null {
    const found = [...this.#topics.values()].find(({ id }) => id === topicId)
    if (found === undefined) return 'UNKNOWN_TOPIC_ID'
    this.#topics.delete(found.name)
    for (const { offsets } of this.#groups.values()) offsets.forget(found.name)
    this.#moved()
    return null
  }

  #configs (resourceName: string) {
    const found = this.#topics.get(resourceName)
    if (found === undefined) return { errorCode: code('UNKNOWN_TOPIC_OR_PARTITION'), resourceName, configs: [] }
    return { errorCode: 0, resourceName, configs: [...found.configs].map(([name, value]) => ({ name, value })) }
  }

  #listed (topic: string, { partitionIndex, timestamp }: Listing['partitions'][number]) {
    const found = this.#topics.get(topic)?.partitions[partitionIndex]
    if (found === undefined) return { partitionIndex, errorCode: code('UNKNOWN_TOPIC_OR_PARTITION'), offset: -1n }
    const offset = timestamp === earliest ? found.start : timestamp === latest ? found.lastStable : found.offsetAt(Number(timestamp))
    return { partitionIndex, errorCode: 0, offset: BigInt(offset) }
  }

  #trimmed (topic: string, partitionIndex: number, before: number) {
    const found = this.#topics.get(topic)?.partitions[partitionIndex]
    found?.trim(before)
    return { partitionIndex, errorCode: found === undefined ? code('UNKNOWN_TOPIC_OR_PARTITION') : 0 }
  }

  #produced (id: string | null, topics: readonly ProduceTopic[]): readonly ProducedPartition[] {
    return topics.flatMap(({ name, partitions }) => partitions.map(({ partition, bytes }) => {
      const answer = (error: string) => ({ topic: name, partition, errorCode: code(error), baseOffset: -1, message: null })
      if (this.#topics.get(name)?.partitions[partition] === undefined) return answer('UNKNOWN_TOPIC_OR_PARTITION')
      if (id !== null) {
        const view = new DataView(bytes.buffer, bytes.byteOffset)
        const error = this.transactions.add(id, view.getBigInt64(43), view.getInt16(51), `partition ${partition} ${name}`)
        if (error !== null) return answer(error === 'PRODUCER_FENCED' ? 'INVALID_PRODUCER_EPOCH' : error)
      }
      return { topic: name, partition, message: null, ...this.append(name, partition, bytes) }
    }))
  }

  #holdOffsets ({ transactionalId, group: name, producerId, epoch, generation, memberId, instanceId, topics }: TransactionOffsets) {
    const { group, offsets } = this.group(name)
    const error = this.transactions.add(transactionalId, producerId, epoch, `group ${name}`) ?? group.mayCommit({ generation, memberId, instanceId: instanceId === '' ? null : instanceId })
    if (error === null) offsets.hold(producerId, topics)
    return topics.flatMap(({ name, partitions }) => partitions.map(({ partition }) => ({ topic: name, partition, errorCode: code(error) })))
  }

  async #fetched ({ waitMs, bytesMin, topics }: FetchAsk): Promise<FetchAnswer> {
    const untilMs = this.clock.monotonicMs() + waitMs
    for (;;) {
      let bytes = 0
      let failed = false
      const found = topics.map(({ topicId, partitions }) => ({ topicId, partitions: partitions.map(({ partition, offset, bytesMax }) => {
        const topic = [...this.#topics.values()].find(({ id }) => id === topicId)
        const read = topic?.partitions[partition]?.read(offset, bytesMax) ?? { errorCode: code('UNKNOWN_TOPIC_ID'), lastStable: -1, logStart: -1, aborted: [], records: new Uint8Array(0) }
        bytes += read.records.length
        failed ||= read.errorCode !== 0
        return { partition, ...read }
      }) }))
      const restMs = untilMs - this.clock.monotonicMs()
      if (bytes >= bytesMin || failed || restMs <= 0) return { errorCode: 0, topics: found }
      await this.#change(restMs)
    }
  }

  #committed ({ groupId, topics }: OffsetAsk, stable: boolean) {
    const { offsets } = this.group(groupId)
    return { groupId, errorCode: 0, topics: topics.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes.map(partitionIndex => {
      if (stable && offsets.isPending(name, partitionIndex)) return { partitionIndex, errorCode: code('UNSTABLE_OFFSET_COMMIT'), committedOffset: -1n, metadata: '' }
      const found = offsets.of(name, partitionIndex)
      return { partitionIndex, errorCode: 0, committedOffset: BigInt(found?.offset ?? -1), metadata: found?.metadata ?? '' }
    }) })) }
  }

  #mark (participant: string, { producerId, epoch, committed }: { readonly producerId: bigint, readonly epoch: number, readonly committed: boolean }): void {
    const [kind, name, topic] = participant.split(' ') as [string, string, string]
    if (kind === 'group') this.group(name).offsets.settle(producerId, committed)
    else this.#topics.get(topic)?.partitions[Number(name)]?.mark(producerId, epoch, { committed, nowMs: this.clock.wallMs() })
    this.#moved()
  }

  #moved (): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  async #change (ms: number): Promise<void> {
    const over = new AbortController()
    const wake = () => { over.abort() }
    this.#waiting.add(wake)
    await this.clock.sleep(ms, over.signal)
    this.#waiting.delete(wake)
  }
}

const groupStates = { empty: 'Empty', preparing: 'PreparingRebalance', completing: 'CompletingRebalance', stable: 'Stable' } as const

interface Creation { readonly name: string, readonly numPartitions: number, readonly configs: readonly { readonly name: string, readonly value: string }[] }
interface Alteration { readonly resourceName: string, readonly configs: readonly { readonly name: string, readonly value: string }[] }
interface Listing { readonly name: string, readonly partitions: readonly { readonly partitionIndex: number, readonly timestamp: bigint }[] }
interface Trimming { readonly name: string, readonly partitions: readonly { readonly partitionIndex: number, readonly offset: bigint }[] }
interface OffsetAsk { readonly groupId: string, readonly topics: readonly { readonly name: string, readonly partitionIndexes: readonly number[] }[] }
