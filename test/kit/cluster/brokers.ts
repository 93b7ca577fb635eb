import * as admin from '../../../connectors/kafka/admin-requests.ts'
import type { Api, RequestOf } from '../../../connectors/kafka/api.ts'
import * as groups from '../../../connectors/kafka/group-requests.ts'
import * as requests from '../../../connectors/kafka/requests.ts'
import type { ClockPort } from '../../../pipelines/core/ports.ts'
import { code } from './codes.ts'
import { BrokerGroup } from './group.ts'
import { Nodes } from './nodes.ts'
import { GroupOffsets } from './offsets.ts'
import { BrokerPartition } from './partition.ts'
import { TransactionCoordinator } from './transactions.ts'

const earliest = -2
const latest = -1
const writeTxnMarkersKey = 27
const batchBytesMax = 16 << 20

interface BrokerTopic { readonly id: string, readonly name: string, readonly partitions: BrokerPartition[], readonly configs: Map<string, string> }
export interface BrokersOptions {
  readonly clock: ClockPort
  /** How long each marker of a transaction takes. */
  readonly markerMs?: () => number
  /** How long a leader takes to tell the coordinator of a transaction that its partition takes part. */
  readonly addMs?: (topic: string) => number
  readonly nodes?: number
  /** 0: brokers before KIP-890, which take batches of a transaction without a look at whether it is still open. */
  readonly transactionVersion?: 0 | 2
  /** How long after a marker was written the same one comes again; null: it does not. */
  readonly markerAgainMs?: () => number | null
  /** Kafka 4.2 and later: in the current protocol a marker ends no transaction of its own epoch. */
  readonly strictMarkers?: boolean
}

/** Name and handler of a request; the answer has what the connector reads of it. */
export interface Served { readonly name: string, readonly handle: (request: never, port: number) => unknown }
const served = <Q>(name: string, asked: Api<Q, unknown>, handle: (request: Q, port: number) => unknown): readonly [number, Served] => [asked.key, { name, handle }]
type Partitions<T extends { readonly topics: readonly { readonly partitions: readonly unknown[] }[] }> = T['topics'][number]['partitions'][number]

/**
 * A cluster in memory, as far as the connector uses one: topics, transactions, groups and their offsets. What a client asks is decided at once, or
 * when what it waits for has come; the way there and back is the network's. Nodes refuse what they do not lead.
 *
 * State: everything; it outlives the clients that a test kills
 */
export class Brokers {
  readonly clock: ClockPort
  readonly transactions: TransactionCoordinator
  readonly nodes: Nodes
  readonly #addMs: (topic: string) => number
  readonly #transactionVersion: 0 | 2
  readonly #strictMarkers: boolean
  readonly #topics = new Map<string, BrokerTopic>()
  readonly #groups = new Map<string, { readonly group: BrokerGroup, readonly offsets: GroupOffsets }>()
  readonly #waiting = new Set<() => void>()
  #topicsMade = 0

  constructor ({ clock, markerMs = () => 0, addMs = () => 0, nodes = 1, transactionVersion = 2, markerAgainMs = () => null, strictMarkers = true }: BrokersOptions) {
    this.clock = clock
    this.#transactionVersion = transactionVersion
    this.#strictMarkers = strictMarkers
    this.nodes = new Nodes(nodes)
    this.#addMs = addMs
    this.transactions = new TransactionCoordinator(clock, { older: transactionVersion === 0, markerMs, markerAgainMs, mark: (participant, producerId, epoch, committed) => { this.#mark(participant, { producerId, epoch, committed }) } })
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
    return found.name === 'produce' && asked.max < 12 && this.#transactionVersion === 2 ? { ...found, name: 'append' } : found
  }

  readonly #served = new Map<number, Served>([
    served('versions', requests.apiVersions, () => ({ errorCode: 0, apiKeys: [{ apiKey: writeTxnMarkersKey, minVersion: 1, maxVersion: this.#strictMarkers ? 2 : 1 }], finalizedFeatures: [{ name: 'transaction.version', maxVersionLevel: this.#transactionVersion, minVersionLevel: this.#transactionVersion }] })),
    served('metadata', requests.metadata, ({ topics }) => this.#metadata(topics?.map(({ name }) => name!) ?? null)),
    served('coordinator', requests.findCoordinator, ({ keyType, coordinatorKeys }) => ({ coordinators: coordinatorKeys.map(key => ({ key, errorCode: 0, ...this.nodes.leaderOf(keyType === 0 ? groupName(key) : idName(key)) })) })),
    served('create', admin.createTopics, ({ topics }) => ({ topics: topics.map(({ name, numPartitions, configs }) => ({ name, errorCode: code(this.createTopic(name, { partitions: numPartitions, configs: new Map(configs.map(({ name, value }) => [name, value!])) })), errorMessage: null })) })),
    served('delete', admin.deleteTopics, ({ topics }) => ({ responses: topics.map(({ topicId }) => ({ errorCode: code(this.#delete(topicId)) })) })),
    served('configs', admin.describeConfigs, ({ resources }) => ({ results: resources.map(({ resourceName }) => this.#configs(resourceName)) })),
    served('alter', admin.incrementalAlterConfigs, ({ resources }) => ({ responses: resources.map(({ resourceName, configs }) => { for (const { name, value } of configs) this.#topics.get(resourceName)?.configs.set(name, value!); return { errorCode: 0, errorMessage: null } }) })),
    served('offsets', requests.listOffsets, ({ isolationLevel, topics }, port) => ({ topics: topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(one => this.#listed(name, one, { isolationLevel, port })) })) })),
    served('trim', requests.deleteRecords, ({ topics }, port) => ({ topics: topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(({ partitionIndex, offset }) => this.#trimmed(name, partitionIndex, { before: offset, port })) })) })),
    served('init', requests.initProducerId, ({ transactionalId, transactionTimeoutMs, ...owner }, port) => { const { error, producerId, epoch } = transactionalId !== null && !this.nodes.leads(port, idName(transactionalId)) ? notCoordinator : this.transactions.initialise(transactionalId, transactionTimeoutMs, owner); return { errorCode: code(error), producerId, producerEpoch: epoch } }),
    served('produce', requests.produce, async ({ transactionalId, topicData }, port) => ({ responses: await Promise.all(topicData.map(async ({ name, partitionData }) => ({ name, partitionResponses: await Promise.all(partitionData.map(({ index, records }) => this.#produced(transactionalId, { topic: name, partition: index, bytes: records }, port))) }))) })),
    served('commit-offsets', requests.txnOffsetCommit, (ask, port) => this.#holdOffsets(ask, port)),
    served('end', requests.endTxn, ({ transactionalId, producerId, producerEpoch, committed }, port) => { const { error, producerId: id, epoch } = !this.nodes.leads(port, idName(transactionalId)) ? notCoordinator : this.transactions.end(transactionalId, producerId, producerEpoch, committed); return { errorCode: code(error), producerId: id, producerEpoch: epoch } }),
    served('add', requests.addPartitionsToTxn, (ask, port) => this.#announced(ask, port)),
    served('add-offsets', requests.addOffsetsToTxn, ({ transactionalId, producerId, producerEpoch, groupId }, port) => ({ errorCode: code(!this.nodes.leads(port, idName(transactionalId)) ? 'NOT_COORDINATOR' : this.transactions.add(transactionalId, producerId, producerEpoch, groupName(groupId))) })),
    served('fetch', requests.fetch, (ask, port) => this.#fetched(ask, port)),
    served('committed', groups.offsetFetch, ({ groups, requireStable }, port) => ({ groups: groups.map(one => this.#committed(one.groupId, one.topics ?? [], { stable: requireStable, port })) })),
    served('join', groups.joinGroup, async ({ groupId, sessionTimeoutMs, rebalanceTimeoutMs, memberId, groupInstanceId, protocols: [first] }, port) => {
      if (!this.nodes.leads(port, groupName(groupId))) return { errorCode: code('NOT_COORDINATOR'), generationId: -1, protocolName: '', members: [], leader: '', memberId }
      const { error, generation, ...rest } = await this.group(groupId).group.join({ memberId, instanceId: groupInstanceId, protocol: first!.name, metadata: Buffer.from(first!.metadata), sessionMs: sessionTimeoutMs, rebalanceMs: rebalanceTimeoutMs })
      return { errorCode: code(error), generationId: generation, protocolName: rest.protocol, ...rest }
    }),
    served('sync', groups.syncGroup, async ({ groupId, generationId, memberId, groupInstanceId, assignments }, port) => {
      if (!this.nodes.leads(port, groupName(groupId))) return { errorCode: code('NOT_COORDINATOR'), assignment: new Uint8Array(0) }
      const { error, assignment } = await this.group(groupId).group.sync({ memberId, instanceId: groupInstanceId, generation: generationId }, new Map(assignments.map(({ memberId, assignment }) => [memberId, Buffer.from(assignment)])))
      return { errorCode: code(error), assignment }
    }),
    served('heartbeat', groups.heartbeat, ({ groupId, generationId, memberId, groupInstanceId }, port) => ({ errorCode: code(!this.nodes.leads(port, groupName(groupId)) ? 'NOT_COORDINATOR' : this.group(groupId).group.heartbeat({ memberId, instanceId: groupInstanceId, generation: generationId })) })),
    served('leave', groups.leaveGroup, ({ groupId, members }, port) => !this.nodes.leads(port, groupName(groupId)) ? { errorCode: code('NOT_COORDINATOR'), members: [] } : ({ errorCode: 0, members: members.map(({ memberId, groupInstanceId }) => ({ memberId, errorCode: code(this.group(groupId).group.leave({ memberId, instanceId: groupInstanceId })) })) })),
    served('describe', groups.describeGroups, ({ groups }, port) => ({ groups: groups.map(group => !this.nodes.leads(port, groupName(group)) ? { errorCode: code('NOT_COORDINATOR'), groupId: group, groupState: '', members: [] } : ({ errorCode: 0, groupId: group, groupState: groupStates[this.group(group).group.state], members: this.group(group).group.members })) })),
  ])

  #metadata (names: string[] | null) {
    const topics = (names ?? [...this.#topics.keys()]).map(name => {
      const found = this.#topics.get(name)
      if (found === undefined) return { errorCode: code('UNKNOWN_TOPIC_OR_PARTITION'), name, topicId: '', isInternal: false, partitions: [] }
      return { errorCode: 0, name, topicId: found.id, isInternal: false, partitions: found.partitions.map((_, partitionIndex) => ({ partitionIndex, leaderId: this.nodes.leaderOf(placeName(partitionIndex, name)).nodeId })) }
    })
    return { brokers: this.nodes.all, topics }
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

  #listed (topic: string, { partitionIndex, timestamp }: Partitions<RequestOf<typeof requests.listOffsets>>, { isolationLevel, port }: { readonly isolationLevel: number, readonly port: number }) {
    if (!this.nodes.leads(port, placeName(partitionIndex, topic))) return { partitionIndex, errorCode: code('NOT_LEADER_OR_FOLLOWER'), offset: -1 }
    const found = this.#topics.get(topic)?.partitions[partitionIndex]
    if (found === undefined) return { partitionIndex, errorCode: code('UNKNOWN_TOPIC_OR_PARTITION'), offset: -1 }
    const offset = timestamp === earliest ? found.start : timestamp === latest ? (isolationLevel === requests.readUncommitted ? found.end : found.lastStable) : found.offsetAt(timestamp)
    return { partitionIndex, errorCode: 0, offset }
  }

  #trimmed (topic: string, partitionIndex: number, { before, port }: { readonly before: number, readonly port: number }) {
    if (!this.nodes.leads(port, placeName(partitionIndex, topic))) return { partitionIndex, errorCode: code('NOT_LEADER_OR_FOLLOWER') }
    const found = this.#topics.get(topic)?.partitions[partitionIndex]
    found?.trim(before)
    return { partitionIndex, errorCode: found === undefined ? code('UNKNOWN_TOPIC_OR_PARTITION') : 0 }
  }

  #announced ({ transactionalId, producerId, producerEpoch, topics }: RequestOf<typeof requests.addPartitionsToTxn>, port: number) {
    const add = (topic: string, partition: number) => this.nodes.leads(port, idName(transactionalId)) ? this.transactions.add(transactionalId, producerId, producerEpoch, `partition ${placeName(partition, topic)}`) : 'NOT_COORDINATOR'
    return { resultsByTopic: topics.map(({ name, partitions }) => ({ name, resultsByPartition: partitions.map(partitionIndex => ({ partitionIndex, partitionErrorCode: code(add(name, partitionIndex)) })) })) }
  }

  /**
   * The leader adds its partition to the transaction before it takes the first batch of it. What ends meanwhile, and who leads, it looks at again then.
   *
   * Source: KIP-890: verification guards
   */
  async #produced (id: string | null, { topic, partition, bytes }: { readonly topic: string, readonly partition: number, readonly bytes: Uint8Array }, port: number) {
    const answer = (error: string) => ({ index: partition, errorCode: code(error), baseOffset: -1, recordErrors: [], errorMessage: null })
    const found = this.#topics.get(topic)?.partitions[partition]
    if (found === undefined) return answer('UNKNOWN_TOPIC_OR_PARTITION')
    const place = placeName(partition, topic)
    if (!this.nodes.leads(port, place)) return answer('NOT_LEADER_OR_FOLLOWER')
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const [producerId, epoch] = [view.getBigInt64(43), view.getInt16(51)]
    if (id !== null && this.#transactionVersion === 2 && !found.isIn(producerId, epoch)) {
      const guard = found.guard(producerId)
      const addMs = this.#addMs(topic)
      if (addMs > 0) await this.clock.sleep(addMs)
      if (!this.nodes.leaderOf(idName(id)).isUp) return answer('NOT_ENOUGH_REPLICAS')
      const error = this.transactions.add(id, producerId, epoch, `partition ${place}`)
      if (error !== null) return answer(error === 'PRODUCER_FENCED' ? 'INVALID_PRODUCER_EPOCH' : error)
      if (!this.nodes.leads(port, place)) return answer('NOT_LEADER_OR_FOLLOWER')
      if (!found.isIn(producerId, epoch) && !found.isGuarded(producerId, guard)) return answer('INVALID_TXN_STATE')
    }
    return { index: partition, recordErrors: [], errorMessage: null, ...this.append(topic, partition, bytes) }
  }

  #holdOffsets ({ transactionalId, groupId, producerId, producerEpoch, generationId, memberId, groupInstanceId, topics }: RequestOf<typeof requests.txnOffsetCommit>, port: number) {
    const { group, offsets } = this.group(groupId)
    const added = () => this.#transactionVersion === 2 ? this.transactions.add(transactionalId, producerId, producerEpoch, groupName(groupId)) : null
    const error = (this.nodes.leads(port, groupName(groupId)) ? null : 'NOT_COORDINATOR') ?? added() ?? group.mayCommit({ generation: generationId, memberId, instanceId: groupInstanceId === '' ? null : groupInstanceId })
    const refused = error ?? offsets.hold({ producerId, epoch: producerEpoch }, topics)
    return { topics: topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code(refused) })) })) }
  }

  async #fetched ({ maxWaitMs, minBytes, topics }: RequestOf<typeof requests.fetch>, port: number) {
    const untilMs = this.clock.monotonicMs() + maxWaitMs
    for (;;) {
      let bytes = 0
      let failed = false
      const found = topics.map(({ topicId, partitions }) => ({ topicId, partitions: partitions.map(({ partition, fetchOffset, partitionMaxBytes }) => {
        const topic = [...this.#topics.values()].find(({ id }) => id === topicId)
        const refused = (error: string) => ({ errorCode: code(error), lastStable: -1, logStart: -1, aborted: [], records: new Uint8Array(0) })
        const isLed = topic === undefined || this.nodes.leads(port, placeName(partition, topic.name))
        const read = isLed ? topic?.partitions[partition]?.read(fetchOffset, partitionMaxBytes) ?? refused('UNKNOWN_TOPIC_ID') : refused('NOT_LEADER_OR_FOLLOWER')
        bytes += read.records.length
        failed ||= read.errorCode !== 0
        return { partitionIndex: partition, errorCode: read.errorCode, lastStableOffset: read.lastStable, logStartOffset: read.logStart, abortedTransactions: read.aborted, records: read.records }
      }) }))
      const restMs = untilMs - this.clock.monotonicMs()
      if (bytes >= minBytes || failed || restMs <= 0) return { errorCode: 0, responses: found }
      await this.#change(restMs)
    }
  }

  #committed (groupId: string, topics: readonly { readonly name: string, readonly partitionIndexes: readonly number[] }[], { stable, port }: { readonly stable: boolean, readonly port: number }) {
    if (!this.nodes.leads(port, groupName(groupId))) return { groupId, errorCode: code('NOT_COORDINATOR'), topics: [] }
    const { offsets } = this.group(groupId)
    return { groupId, errorCode: 0, topics: topics.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes.map(partitionIndex => {
      if (stable && offsets.isPending(name, partitionIndex)) return { partitionIndex, errorCode: code('UNSTABLE_OFFSET_COMMIT'), committedOffset: -1, metadata: '' }
      const found = offsets.of(name, partitionIndex)
      return { partitionIndex, errorCode: 0, committedOffset: found?.offset ?? -1, metadata: found?.metadata ?? '' }
    }) })) }
  }

  #mark (participant: string, { producerId, epoch, committed }: { readonly producerId: bigint, readonly epoch: number, readonly committed: boolean }): void {
    const [kind, name, topic] = participant.split(' ') as [string, string, string]
    const strict = this.#strictMarkers && this.#transactionVersion === 2
    if (kind === 'group') this.group(name).offsets.settle({ producerId, epoch, committed, strict })
    else this.#topics.get(topic)?.partitions[Number(name)]?.mark(producerId, epoch, { committed, nowMs: this.clock.wallMs(), strict })
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

const placeName = (partition: number, topic: string) => `${partition} ${topic}`
const groupName = (group: string) => `group ${group}`
const idName = (transactionalId: string) => `id ${transactionalId}`
const notCoordinator = { error: 'NOT_COORDINATOR', producerId: -1n, epoch: -1 }
const groupStates = { empty: 'Empty', preparing: 'PreparingRebalance', completing: 'CompletingRebalance', stable: 'Stable' } as const
