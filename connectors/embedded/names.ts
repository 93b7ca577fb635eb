import { StreamError } from '../../pipelines/core/errors.ts'
import type { TopicSpec } from '../../pipelines/core/ports.ts'

const nameMax = 249
const partitionsMax = 1024

/**
 * Errors: LOG_NAME
 * Source: Kafka's Topic.validate: letters, digits, dot, underscore and hyphen, at most 249
 */
export function checkTopic ({ name, partitions }: TopicSpec): void {
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..') throw new StreamError('LOG_NAME', { topic: name.slice(0, nameMax), why: 'letters, digits, dots, underscores and hyphens, at most 249' })
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > partitionsMax) throw new StreamError('LOG_NAME', { topic: name, partitions, why: `1 to ${partitionsMax} partitions` })
}

/** Groups and subjects may hold anything that fits into a key of the store. Errors: LOG_NAME */
export function checkName (what: 'group' | 'subject', name: string): void {
  if (name.length < 1 || name.length > nameMax || name.includes('\u0000')) throw new StreamError('LOG_NAME', { [what]: name.slice(0, nameMax), why: 'at most 249 characters' })
}
