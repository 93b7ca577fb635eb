import type { Admin } from 'kafkajs'
import { StreamError } from '../../pipelines/core/errors.ts'
import { checkTopic } from '../../pipelines/core/log-names.ts'
import type { TopicInfo, TopicSpec } from '../../pipelines/core/ports.ts'
import type { Client } from './client.ts'
import { rootOf } from './errors.ts'

const topicResource = 2
/** Source: DescribeConfigs, config_source: set on the topic itself */
const ofTheTopic = 1
const adminTimeoutMs = 15_000

export interface TopicsOptions { readonly prefix: string, readonly replication: number, readonly batchBytesMax: number }

/**
 * Topics of a cluster that begin with a prefix. kafkajs has no topic ids: `id` is the same for one that was made anew.
 *
 * Errors: LOG_NAME, LOG_TOPIC_DIFFERS, LOG_TOPIC_UNKNOWN, KAFKA_DENIED, KAFKA_REFUSED, KAFKA_UNREACHABLE
 */
export class Topics {
  readonly #client: Client
  readonly #admin: Admin
  readonly #options: TopicsOptions

  constructor (client: Client, admin: Admin, options: TopicsOptions) {
    this.#client = client
    this.#admin = admin
    this.#options = options
  }

  full (name: string): string { return this.#options.prefix + name }

  async create (spec: TopicSpec): Promise<TopicInfo> {
    checkTopic(spec, this.#options.prefix)
    const existing = await this.find(spec.name)
    if (existing !== null) return this.#kept(spec, existing)
    const { name, partitions, cleanup, retentionMs, retentionBytes = null, timestamps } = spec
    const { replication, batchBytesMax } = this.#options
    const configEntries = Object.entries({ 'cleanup.policy': cleanup, 'retention.ms': retentionMs ?? -1, 'retention.bytes': retentionBytes ?? -1, 'message.timestamp.type': timestamps, 'max.message.bytes': batchBytesMax })
      .map(([name, value]) => ({ name, value: `${value}` }))
    await this.#client.retry(`create topic ${name}`, () => this.#admin.createTopics({ timeout: adminTimeoutMs, topics: [{ topic: this.full(name), numPartitions: partitions, replicationFactor: replication, configEntries }] }))
    return this.#until(name, () => true)
  }

  async delete (name: string): Promise<void> {
    const full = this.full(name)
    this.#client.forget(full)
    if (await this.#client.retry(`find topic ${name}`, () => this.#client.leaders(full)) === null) return
    await this.#client.retry(`delete topic ${name}`, async () => {
      try {
        await this.#admin.deleteTopics({ topics: [full], timeout: adminTimeoutMs })
      } catch (error) {
        if (rootOf(error).type !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
      }
    })
    await this.#client.retry(`delete topic ${name}`, async () => {
      this.#client.forget(full)
      if (await this.#client.leaders(full) !== null) throw Object.assign(new Error('the topic is still there'), { type: 'LEADER_NOT_AVAILABLE' })
    })
  }

  async find (name: string): Promise<TopicInfo | null> {
    const full = this.full(name)
    return this.#client.retry(`find topic ${name}`, async () => {
      this.#client.forget(full)
      const leaders = await this.#client.leaders(full)
      return leaders === null ? null : (await this.#infos([[full, leaders.length]]))[0]!
    })
  }

  async all (): Promise<readonly TopicInfo[]> {
    return this.#client.retry('list topics', async () => {
      const names = (await this.#admin.listTopics()).filter(name => name.startsWith(this.#options.prefix) && !name.startsWith('__')).sort()
      const counted: [string, number][] = []
      for (const name of names) {
        const leaders = await this.#client.leaders(name)
        if (leaders !== null) counted.push([name, leaders.length])
      }
      return this.#infos(counted)
    })
  }

  async #infos (topics: readonly (readonly [full: string, partitions: number])[]): Promise<readonly TopicInfo[]> {
    if (topics.length === 0) return []
    const { resources } = await this.#admin.describeConfigs({ includeSynonyms: false, resources: topics.map(([name]) => ({ type: topicResource, name, configNames: ['cleanup.policy', 'retention.ms', 'retention.bytes', 'message.timestamp.type'] })) })
    return topics.map(([full, partitions]) => {
      const config = new Map(resources.find(({ resourceName }) => resourceName === full)?.configEntries.map(({ configName, configValue }) => [configName, configValue]))
      const limit = (key: string) => { const value = Number(config.get(key) ?? -1); return value < 0 ? null : value }
      return {
        id: `name:${full}`, name: full.slice(this.#options.prefix.length), partitions,
        cleanup: config.get('cleanup.policy')?.includes('compact') ? 'compact' : 'delete',
        retentionMs: limit('retention.ms'), retentionBytes: limit('retention.bytes'),
        timestamps: config.get('message.timestamp.type') === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
      }
    })
  }

  async #kept (spec: TopicSpec, existing: TopicInfo): Promise<TopicInfo> {
    for (const setting of ['partitions', 'cleanup', 'timestamps'] as const) {
      if (existing[setting] !== spec[setting]) throw new StreamError('LOG_TOPIC_DIFFERS', { topic: spec.name, setting, is: existing[setting], wanted: spec[setting] })
    }
    const { name, retentionMs, retentionBytes = null } = spec
    if (existing.retentionMs === retentionMs && existing.retentionBytes === retentionBytes) return existing
    await this.#client.retry(`change topic ${name}`, () => this.#retain(this.full(name), { 'retention.ms': `${retentionMs ?? -1}`, 'retention.bytes': `${retentionBytes ?? -1}` }))
    return this.#until(name, info => info.retentionMs === retentionMs && info.retentionBytes === retentionBytes)
  }

  /** kafkajs's request replaces all that is set on a topic: what else is set there goes along. */
  async #retain (full: string, retention: Readonly<Record<string, string>>): Promise<void> {
    const { resources: [described] } = await this.#admin.describeConfigs({ includeSynonyms: false, resources: [{ type: topicResource, name: full }] })
    const set = Object.fromEntries((described?.configEntries ?? []).filter(({ configSource }) => Number(configSource) === ofTheTopic).map(({ configName, configValue }) => [configName, configValue]))
    await this.#admin.alterConfigs({ validateOnly: false, resources: [{ type: topicResource, name: full, configEntries: Object.entries({ ...set, ...retention }).map(([name, value]) => ({ name, value })) }] })
  }

  /** Brokers learn of a change within moments. */
  async #until (name: string, shows: (info: TopicInfo) => boolean): Promise<TopicInfo> {
    return this.#client.retry(`find topic ${name}`, async () => {
      const info = await this.find(name)
      if (info === null || !shows(info)) throw Object.assign(new Error('the change does not show yet'), { type: 'LEADER_NOT_AVAILABLE' })
      return info
    })
  }
}
