import { StreamError } from '../core/errors.ts'
import type { TopicInfo } from '../core/ports.ts'
import type { CompiledPipeline } from '../core/stage.ts'
import { names } from '../runtime/names.ts'
import { subjectOf } from './subjects.ts'
import type { System } from './system.ts'

const partitionsDefault = 2

export interface TopicsOptions {
  /** Of topics that are not there yet; null: nobody said. */
  readonly partitions: number | null
  /** Told what is not as it should be, and can be lived with. */
  readonly warn: (text: string) => void
}

/**
 * Make the topics of a pipeline that are not there yet, and register its contracts.
 *
 * Errors: LOG_TOPIC_DIFFERS where an input has fewer partitions than told; those of the log and the registry
 */
export async function createTopics (pipeline: CompiledPipeline, { log, registry }: Pick<System, 'log' | 'registry'>, { partitions, warn }: TopicsOptions): Promise<void> {
  const made = async (name: string, { cleanup = 'delete', timestamps = 'LogAppendTime', count = partitions ?? partitionsDefault }: { readonly cleanup?: 'delete' | 'compact', readonly timestamps?: TopicInfo['timestamps'], readonly count?: number } = {}) =>
    await log.topic(name) ?? log.createTopic({ name, partitions: count, cleanup, retentionMs: null, timestamps })
  for (const { topic, subject, contract } of pipeline.sources) {
    const found = await made(topic)
    if (partitions !== null && found.partitions < partitions) throw new StreamError('LOG_TOPIC_DIFFERS', { topic, setting: 'partitions', is: found.partitions, wanted: partitions })
    if (found.timestamps === 'CreateTime') warn(`${topic} has CreateTime: what its records say is taken for their arrival. Set message.timestamp.type=LogAppendTime, so that the log says when a reading came`)
    await registry.register(subjectOf(registry, { topic, subject, contract }), contract)
  }
  for (const { topic, subject, contract } of pipeline.tables) {
    await made(topic, { cleanup: 'compact', count: 1 })
    await registry.register(subjectOf(registry, { topic, subject, contract }), contract)
  }
  for (const topic of [pipeline.control?.topic, names.deadLetters(pipeline.name), names.late(pipeline.name)]) {
    if (topic !== undefined) await made(topic, { timestamps: 'CreateTime', count: partitions ?? 1 })
  }
}
