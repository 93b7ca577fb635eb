import * as admin from '../../../connectors/kafka/admin-requests.ts'
import type { Api, RequestOf } from '../../../connectors/kafka/api.ts'
import * as groups from '../../../connectors/kafka/group-requests.ts'
import * as requests from '../../../connectors/kafka/requests.ts'
import type { ClockPort } from '../../../pipelines/core/ports.ts'
import { code } from './codes.ts'
import { BrokerGroup } from './group.ts'
import { GroupOffsets } from './offsets.ts'
import { BrokerPartition } from './partition.ts'
import { TransactionCoordinator } from './transactions.ts'

const node = { nodeId: 1, host: 'broker', port: 9092 }
const earliest = -2
const latest = -1
const batchBytesMax = 16 << 20

interface BrokerTopic { readonly id: string, readonly name: string, readonly partitions: BrokerPartition[], readonly configs: Map<string, string> }
export interface BrokersOptions {
  readonly clock: ClockPort
  /** How long each marker of a transaction takes. */
  readonly markerMs?: () => number
}

/** Name and handler of a request; the answer has what the connector reads of it. */
export interface Served { readonly name: string, readonly handle: (request: never) => unknown }
const served = <Q>(name: string, asked: Api<Q, unknown>, handle: (request: Q) => unknown): readonly [number, Served] => [asked.key, { name, handle }]
type Partitions<T extends { readonly topics: readonly { readonly partitions: readonly unknown[] }[] }> = T['topics'][number]['partitions'][number]

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
  serving (asked: Api<never, unknown>): Served {
    const found = this.#served.get(asked.key)
    if (found === undefined) throw new RangeError(`the brokers of the test do not know ${asked.name}`)
    return found.name === 'produce' && asked.max < 12 ? { ...found, name: 'append' } : found
  }

  readonly #served = new Map<number, Served>([
    served('versions', requests.apiVersions, () => ({ errorCode: 0, apiKeys: [], finalizedFeatures: [{ name: 'transaction.version', maxVersionLevel: 2, minVersionLevel: 2 }] })),
    served('metadata', requests.metadata, ({ topics }) => this.#metadata(topics?.map(({ name }) => name!) ?? null)),
    served('coordinator', requests.findCoordinator, ({ coordinatorKeys }) => ({ coordinators: coordinatorKeys.map(key => ({ key, errorCode: 0, ...node })) })),
    served('create', admin.createTopics, ({ topics }) => ({ topics: topics.map(({ name, numPartitions, configs }) => ({ name, errorCode: code(this.createTopic(name, { partitions: numPartitions, configs: new Map(configs.map(({ name, value }) => [name, value!])) })), errorMessage: null })) })),
    served('delete', admin.deleteTopics, ({ topics }) => ({ responses: topics.map(({ topicId }) => ({ errorCode: code(this.#delete(topicId)) })) })),
    served('configs', admin.describeConfigs, ({ resources }) => ({ results: resources.map(({ resourceName }) => this.#configs(resourceName)) })),
    served('alter', admin.incrementalAlterConfigs, ({ resources }) => ({ responses: resources.map(({ resourceName, configs }) => { for (const { name, value } of configs) this.#topics.get(resourceName)?.configs.set(name, value!); return { errorCode: 0, errorMessage: null } }) })),
    served('offsets', requests.listOffsets, ({ isolationLevel, topics }) => ({ topics: topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(one => this.#listed(name, one, isolationLevel)) })) })),
    served('trim', requests.deleteRecords, ({ topics }) => ({ topics: topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(({ partitionIndex, offset }) => this.#trimmed(name, partitionIndex, offset)) })) })),
    served('init', requests.initProducerId, ({ transactionalId, transactionTimeoutMs }) => { const { error, producerId, epoch } = this.transactions.initialise(transactionalId, transactionTimeoutMs); return { errorCode: code(error), producerId, producerEpoch: epoch } }),
    served('produce', requests.produce, ({ transactionalId, topicData }) => ({ responses: topicData.map(({ name, partitionData }) => ({ name, partitionResponses: partitionData.map(({ index, records }) => this.#produced(transactionalId, { topic: name, partition: index, bytes: records })) })) })),
    served('commit-offsets', requests.txnOffsetCommit, ask => this.#holdOffsets(ask)),
    served('end', requests.endTxn, ({ transactionalId, producerId, producerEpoch, committed }) => { const { error, producerId: id, epoch } = this.transactions.end(transactionalId, producerId, producerEpoch, committed); return { errorCode: code(error), producerId: id, producerEpoch: epoch } }),
    served('fetch', requests.fetch, ask => this.#fetched(ask)),
    served('committed', groups.offsetFetch, ({ groups, requireStable }) => ({ groups: groups.map(one => this.#committed(one.groupId, one.topics ?? [], requireStable)) })),
    served('join', groups.joinGroup, async ({ groupId, sessionTimeoutMs, rebalanceTimeoutMs, memberId, groupInstanceId, protocols: [first] }) => {
      const { error, generation, ...rest } = await this.group(groupId).group.join({ memberId, instanceId: groupInstanceId, protocol: first!.name, metadata: Buffer.from(first!.metadata), sessionMs: sessionTimeoutMs, rebalanceMs: rebalanceTimeoutMs })
      return { errorCode: code(error), generationId: generation, protocolName: rest.protocol, ...rest }
    }),
    served('sync', groups.syncGroup, async ({ groupId, generationId, memberId, groupInstanceId, assignments }) => {
      const { error, assignment } = await this.group(groupId).group.sync({ memberId, instanceId: groupInstanceId, generation: generationId }, new Map(assignments.map(({ memberId, assignment }) => [memberId, Buffer.from(assignment)])))
      return { errorCode: code(error), assignment }
    }),
    served('heartbeat', groups.heartbeat, ({ groupId, generationId, memberId, groupInstanceId }) => ({ errorCode: code(this.group(groupId).group.heartbeat({ memberId, instanceId: groupInstanceId, generation: generationId })) })),
    served('leave', groups.leaveGroup, ({ groupId, members }) => ({ errorCode: 0, members: members.map(({ memberId, groupInstanceId }) => ({ memberId, errorCode: code(this.group(groupId).group.leave({ memberId, instanceId: groupInstanceId })) })) })),
    served('describe', groups.describeGroups, ({ groups }) => ({ groups: groups.map(group => ({ errorCode: 0, groupId: group, groupState: groupStates[this.group(group).group.state], members: this.group(group).group.members })) })),
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

  #listed (topic: string, { partitionIndex, timestamp }: Partitions<RequestOf<typeof requests.listOffsets>>, isolationLevel: number) {
    const found = this.#topics.get(topic)?.partitions[partitionIndex]
    if (found === undefined) return { partitionIndex, errorCode: code('UNKNOWN_TOPIC_OR_PARTITION'), offset: -1 }
    const offset = timestamp === earliest ? found.start : timestamp === latest ? (isolationLevel === requests.readUncommitted ? found.end : found.lastStable) : found.offsetAt(timestamp)
    return { partitionIndex, errorCode: 0, offset }
  }

  #trimmed (topic: string, partitionIndex: number, before: number) {
    const found = this.#topics.get(topic)?.partitions[partitionIndex]
    found?.trim(before)
    return { partitionIndex, errorCode: found === undefined ? code('UNKNOWN_TOPIC_OR_PARTITION') : 0 }
  }

  #produced (id: string | null, { topic, partition, bytes }: { readonly topic: string, readonly partition: number, readonly bytes: Uint8Array }) {
    const answer = (error: string) => ({ index: partition, errorCode: code(error), baseOffset: -1, recordErrors: [], errorMessage: null })
    if (this.#topics.get(topic)?.partitions[partition] === undefined) return answer('UNKNOWN_TOPIC_OR_PARTITION')
    if (id !== null) {
      const view = new DataView(bytes.buffer, bytes.byteOffset)
      const error = this.transactions.add(id, view.getBigInt64(43), view.getInt16(51), `partition ${partition} ${topic}`)
      if (error !== null) return answer(error === 'PRODUCER_FENCED' ? 'INVALID_PRODUCER_EPOCH' : error)
    }
    return { index: partition, recordErrors: [], errorMessage: null, ...this.append(topic, partition, bytes) }
  }

  #holdOffsets ({ transactionalId, groupId, producerId, producerEpoch, generationId, memberId, groupInstanceId, topics }: RequestOf<typeof requests.txnOffsetCommit>) {
    const { group, offsets } = this.group(groupId)
    const error = this.transactions.add(transactionalId, producerId, producerEpoch, `group ${groupId}`) ?? group.mayCommit({ generation: generationId, memberId, instanceId: groupInstanceId === '' ? null : groupInstanceId })
    if (error === null) offsets.hold(producerId, topics)
    return { topics: topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code(error) })) })) }
  }

  async #fetched ({ maxWaitMs, minBytes, topics }: RequestOf<typeof requests.fetch>) {
    const untilMs = this.clock.monotonicMs() + maxWaitMs
    for (;;) {
      let bytes = 0
      let failed = false
      const found = topics.map(({ topicId, partitions }) => ({ topicId, partitions: partitions.map(({ partition, fetchOffset, partitionMaxBytes }) => {
        const topic = [...this.#topics.values()].find(({ id }) => id === topicId)
        const read = topic?.partitions[partition]?.read(fetchOffset, partitionMaxBytes) ?? { errorCode: code('UNKNOWN_TOPIC_ID'), lastStable: -1, logStart: -1, aborted: [], records: new Uint8Array(0) }
        bytes += read.records.length
        failed ||= read.errorCode !== 0
        return { partitionIndex: partition, errorCode: read.errorCode, lastStableOffset: read.lastStable, logStartOffset: read.logStart, abortedTransactions: read.aborted, records: read.records }
      }) }))
      const restMs = untilMs - this.clock.monotonicMs()
      if (bytes >= minBytes || failed || restMs <= 0) return { errorCode: 0, responses: found }
      await this.#change(restMs)
    }
  }

  #committed (groupId: string, topics: readonly { readonly name: string, readonly partitionIndexes: readonly number[] }[], stable: boolean) {
    const { offsets } = this.group(groupId)
    return { groupId, errorCode: 0, topics: topics.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes.map(partitionIndex => {
      if (stable && offsets.isPending(name, partitionIndex)) return { partitionIndex, errorCode: code('UNSTABLE_OFFSET_COMMIT'), committedOffset: -1, metadata: '' }
      const found = offsets.of(name, partitionIndex)
      return { partitionIndex, errorCode: 0, committedOffset: found?.offset ?? -1, metadata: found?.metadata ?? '' }
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
