import { StreamError } from './errors.ts'

const nameMax = 249
const partitionsMax = 1024
const marked = /^([A-Za-z0-9._-]+)\|/

/**
 * `prefix` stands before the name in the cluster, and counts.
 *
 * Errors: LOG_NAME
 * Source: Kafka's Topic.validate: letters, digits, dot, underscore and hyphen, at most 249
 */
export function checkTopic ({ name, partitions }: { readonly name: string, readonly partitions: number }, prefix: string): void {
  if (!/^[A-Za-z0-9._-]+$/.test(name) || name.length + prefix.length > nameMax || name === '.' || name === '..') throw new StreamError('LOG_NAME', { topic: name.slice(0, nameMax), prefix, why: 'letters, digits, dots, underscores and hyphens, at most 249' })
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > partitionsMax) throw new StreamError('LOG_NAME', { topic: name, partitions, why: `1 to ${partitionsMax} partitions` })
}

/** Groups and members become parts of transactional ids, and members part of a commit's metadata. Errors: LOG_NAME */
export function checkName (what: 'group' | 'member', name: string): void {
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(name)) throw new StreamError('LOG_NAME', { [what]: name.slice(0, nameMax), why: 'letters, digits, dots, underscores and hyphens, at most 249' })
}

/** The metadata of a committed offset names the worker, as every connector of Kafka reads it: a pipeline may change its client. */
export const packMetadata = (member: string, metadata: string): string => `${member}|${metadata}`

export const workerOf = (metadata: string): string | null => marked.exec(metadata)?.[1] ?? null

/** What was given to `packMetadata`; offsets that another tool committed have no mark. */
export const unpackMetadata = (metadata: string): string => metadata.replace(marked, '')
