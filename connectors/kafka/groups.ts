import { StreamError } from '../../pipelines/core/errors.ts'
import type { Assignment, Committed, GroupMember, GroupsPort } from '../../pipelines/core/ports.ts'
import { readAssignment } from './assignment.ts'
import type { Cluster } from './cluster.ts'
import { Again, check, codeName } from './codes.ts'
import { deleteGroups, describeGroups, offsetFetch } from './group-requests.ts'
import { unpackMetadata, workerOf } from './metadata.ts'

/**
 * Groups of the cluster, from outside.
 *
 * Errors: LOG_GROUP_BUSY, KAFKA_DENIED, KAFKA_UNREACHABLE
 */
export class KafkaGroups implements GroupsPort {
  readonly #cluster: Cluster
  readonly #prefix: string

  constructor (cluster: Cluster, prefix: string) {
    this.#cluster = cluster
    this.#prefix = prefix
  }

  async members (group: string): Promise<readonly GroupMember[]> {
    return this.#ask(`describe group ${group}`, group, async (address, name) => {
      const { groups: [found] } = await this.#cluster.call(address, 'control', describeGroups, { groups: [name] })
      if (found === undefined) throw new Again('the answer lacks the group', false)
      if (codeName(found.errorCode) === 'GROUP_ID_NOT_FOUND') return []
      check(found.errorCode, { group, needs: 'DESCRIBE' })
      return found.members.map(({ groupInstanceId, memberId, clientHost, memberAssignment }) => ({ name: groupInstanceId ?? memberId, host: clientHost.replace(/^\//, ''), assignments: readAssignment(memberAssignment).map(one => this.#mine(one)) }))
    })
  }

  async positions (group: string): Promise<readonly (Committed & Assignment & { readonly member: string | null })[]> {
    return this.#ask(`read offsets of group ${group}`, group, async (address, name) => {
      const { groups: [found] } = await this.#cluster.call(address, 'control', offsetFetch, { groups: [{ groupId: name, topics: null }], requireStable: false })
      if (found === undefined) throw new Again('the answer lacks the group', false)
      check(found.errorCode, { group, needs: 'DESCRIBE' })
      return found.topics.flatMap(({ name: topic, partitions }) => partitions.filter(({ errorCode, committedOffset }) => errorCode === 0 && committedOffset >= 0).map(({ partitionIndex: partition, committedOffset: offset, metadata }) =>
        ({ ...this.#mine({ topic, partition }), offset, metadata: unpackMetadata(metadata ?? ''), member: workerOf(metadata ?? '') })))
    })
  }

  async delete (group: string): Promise<void> {
    await this.#ask(`delete group ${group}`, group, async (address, name) => {
      const { results: [found] } = await this.#cluster.call(address, 'control', deleteGroups, { groupsNames: [name] })
      const code = codeName(found?.errorCode ?? 0)
      if (code === 'GROUP_ID_NOT_FOUND') return
      if (code === 'NON_EMPTY_GROUP') throw new StreamError('LOG_GROUP_BUSY', { group })
      check(found?.errorCode ?? 0, { group, needs: 'DELETE' })
    })
  }

  #ask<T> (what: string, group: string, ask: (address: Parameters<Parameters<Cluster['atCoordinator']>[2]>[0], name: string) => Promise<T>): Promise<T> {
    const name = this.#prefix + group
    return this.#cluster.retry(what, () => this.#cluster.atCoordinator('group', name, address => ask(address, name)))
  }

  /** By the name that the log has for the topic. */
  #mine ({ topic, partition }: Assignment): Assignment { return { topic: topic.startsWith(this.#prefix) ? topic.slice(this.#prefix.length) : topic, partition } }
}
