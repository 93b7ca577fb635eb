import { StreamError } from '../../pipelines/core/errors.ts'
import type { TopicInfo, TopicSpec } from '../../pipelines/core/ports.ts'
import { createTopics, deleteTopics, describeConfigs, incrementalAlterConfigs } from './admin-requests.ts'
import type { Cluster, TopicPlace } from './cluster.ts'
import { Again, check, codeName } from './codes.ts'
import { checkTopic } from './names.ts'

const topicResource = 2
const setConfig = 0
const adminTimeoutMs = 15_000
const described = ['cleanup.policy', 'retention.ms', 'retention.bytes', 'message.timestamp.type']

export interface TopicsOptions {
  /** Stands before the name of every topic, and is not seen above this connector. */
  readonly prefix: string
  /** -1: the cluster's default. */
  readonly replication: number
  readonly batchBytesMax: number
}

/**
 * Topics of a cluster that begin with a prefix.
 *
 * Delivery: a call returns when the broker that was asked knows of the change; others follow within moments and are asked again
 * Errors:   LOG_NAME, LOG_TOPIC_DIFFERS, LOG_TOPIC_UNKNOWN, KAFKA_DENIED, KAFKA_REFUSED, KAFKA_UNREACHABLE
 */
export class Topics {
  readonly #cluster: Cluster
  readonly #options: TopicsOptions

  constructor (cluster: Cluster, options: TopicsOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  full (name: string): string { return this.#options.prefix + name }

  async create (spec: TopicSpec): Promise<TopicInfo> {
    checkTopic(spec, this.#options.prefix)
    return this.#cluster.retry(`create topic ${spec.name}`, async () => {
      const existing = await this.#info(spec.name)
      if (existing !== null) return this.#kept(spec, existing)
      await this.#create(spec)
      throw new Again('the topic was made, and is not there yet', false)
    })
  }

  async delete (name: string): Promise<void> {
    const full = this.full(name)
    const doomed = await this.#cluster.retry(`find topic ${name}`, () => this.#cluster.findTopic(full))
    if (doomed === null) return
    await this.#cluster.retry(`delete topic ${name}`, async () => {
      const { responses: [gone] } = await this.#cluster.anywhere('control', deleteTopics, { topics: [{ topicId: doomed.id }], timeoutMs: adminTimeoutMs })
      if (gone !== undefined && codeName(gone.errorCode) !== 'UNKNOWN_TOPIC_ID') check(gone.errorCode, { topic: name, needs: 'DELETE' })
    })
    await this.#cluster.retry(`delete topic ${name}`, async () => {
      if ((await this.#cluster.findTopic(full))?.id === doomed.id) throw new Again('the topic is still there', false)
    })
    this.#cluster.unpin(full)
  }

  /** As it is now, also when it was made anew: from here on that one is meant. */
  async find (name: string): Promise<TopicInfo | null> {
    return this.#cluster.retry(`find topic ${name}`, () => this.#info(name))
  }

  async all (): Promise<readonly TopicInfo[]> {
    const { prefix } = this.#options
    return this.#cluster.retry('list topics', async () => {
      const places = (await this.#cluster.allTopics()).filter(({ name }) => name.startsWith(prefix)).sort((a, b) => a.name < b.name ? -1 : 1)
      const configs = await this.#configs(places.map(({ name }) => name))
      return places.flatMap(place => { const config = configs.get(place.name); return config === undefined ? [] : [this.#infoOf(place, config)] })
    })
  }

  async #info (name: string): Promise<TopicInfo | null> {
    const full = this.full(name)
    const place = await this.#cluster.findTopic(full)
    if (place === null) return null
    if (place.leaders.some(leader => !(leader >= 0))) throw new Again('a partition has no leader', false)
    const config = (await this.#configs([full])).get(full)
    if (config === undefined) throw new Again('the topic has no configuration yet', false)
    this.#cluster.unpin(full)
    await this.#cluster.topicPlace(full)
    return this.#infoOf(place, config)
  }

  #infoOf ({ id, name, leaders }: TopicPlace, config: ReadonlyMap<string, string | null>): TopicInfo {
    const limit = (key: string) => { const value = Number(config.get(key) ?? -1); return value < 0 ? null : value }
    return {
      id, name: name.slice(this.#options.prefix.length), partitions: leaders.length,
      cleanup: config.get('cleanup.policy')?.includes('compact') ? 'compact' : 'delete',
      retentionMs: limit('retention.ms'), retentionBytes: limit('retention.bytes'),
      timestamps: config.get('message.timestamp.type') === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
    }
  }

  async #kept (spec: TopicSpec, existing: TopicInfo): Promise<TopicInfo> {
    for (const setting of ['partitions', 'cleanup', 'timestamps'] as const) {
      if (existing[setting] !== spec[setting]) throw new StreamError('LOG_TOPIC_DIFFERS', { topic: spec.name, setting, is: existing[setting], wanted: spec[setting] })
    }
    const { retentionMs, retentionBytes = null } = spec
    if (existing.retentionMs === retentionMs && existing.retentionBytes === retentionBytes) return existing
    const configs = [{ name: 'retention.ms', value: `${retentionMs ?? -1}` }, { name: 'retention.bytes', value: `${retentionBytes ?? -1}` }]
    const { responses: [altered] } = await this.#cluster.anywhere('control', incrementalAlterConfigs, { resources: [{ resourceType: topicResource, resourceName: this.full(spec.name), configs: configs.map(config => ({ ...config, configOperation: setConfig })) }] })
    check(altered?.errorCode ?? 0, { topic: spec.name, message: altered?.errorMessage, needs: 'ALTER_CONFIGS' })
    throw new Again('the retention was changed, and does not show yet', false)
  }

  async #create ({ name, partitions, cleanup, retentionMs, retentionBytes = null, timestamps }: TopicSpec): Promise<void> {
    const { replication, batchBytesMax } = this.#options
    const configs = Object.entries({ 'cleanup.policy': cleanup, 'retention.ms': retentionMs ?? -1, 'retention.bytes': retentionBytes ?? -1, 'message.timestamp.type': timestamps, 'max.message.bytes': batchBytesMax })
      .map(([name, value]) => ({ name, value: `${value}` }))
    const { topics: [made] } = await this.#cluster.anywhere('control', createTopics, { topics: [{ name: this.full(name), numPartitions: partitions, replicationFactor: replication, configs }], timeoutMs: adminTimeoutMs })
    if (made === undefined || codeName(made.errorCode) === 'TOPIC_ALREADY_EXISTS') return
    check(made.errorCode, { topic: name, partitions, replication, message: made.errorMessage, needs: 'CREATE' })
  }

  async #configs (names: readonly string[]): Promise<ReadonlyMap<string, ReadonlyMap<string, string | null>>> {
    if (names.length === 0) return new Map()
    const { results } = await this.#cluster.anywhere('control', describeConfigs, { resources: names.map(resourceName => ({ resourceType: topicResource, resourceName, configurationKeys: described })) })
    return new Map(results.flatMap(({ errorCode, resourceName, configs }) => {
      if (codeName(errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION') return []
      check(errorCode, { topic: resourceName, needs: 'DESCRIBE_CONFIGS' })
      return [[resourceName, new Map(configs.map(({ name, value }) => [name, value]))] as const]
    }))
  }
}
