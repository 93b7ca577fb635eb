import { StreamError } from '../../pipelines/core/errors.ts'
import type { TopicSpec } from '../../pipelines/core/ports.ts'

export const nameMax = 249
const partitionsMax = 1024

/**
 * `name` is the topic's full name, prefix included.
 *
 * Errors: LOG_NAME
 * Source: Kafka's Topic.validate: letters, digits, dot, underscore and hyphen, at most 249
 */
export function checkTopic ({ name, partitions }: Pick<TopicSpec, 'name' | 'partitions'>, prefix: string): void {
  if (!/^[A-Za-z0-9._-]+$/.test(name) || name.length + prefix.length > nameMax || name === '.' || name === '..') throw new StreamError('LOG_NAME', { topic: name.slice(0, nameMax), prefix, why: 'letters, digits, dots, underscores and hyphens, at most 249' })
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > partitionsMax) throw new StreamError('LOG_NAME', { topic: name, partitions, why: `1 to ${partitionsMax} partitions` })
}

/** Groups and members become parts of transactional ids, and members part of a commit's metadata. Errors: LOG_NAME */
export function checkName (what: 'group' | 'member', name: string): void {
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(name)) throw new StreamError('LOG_NAME', { [what]: name.slice(0, nameMax), why: 'letters, digits, dots, underscores and hyphens, at most 249' })
}
