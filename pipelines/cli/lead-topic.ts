import { StreamError } from '../core/errors.ts'
import type { LogPort, Membership } from '../core/ports.ts'
import { CliError } from './exit.ts'

const group = 'millrace.registry'

export interface TopicLead { append (bytes: Uint8Array): Promise<void>, leave (): Promise<void> }

/**
 * The lead of a topic of one partition, so that one process alone writes to it.
 *
 * Errors: CliError external when another one has it; `append` rejects with what the log refused, also when another one took it over
 */
export async function leadTopic (log: LogPort, topic: string): Promise<TopicLead> {
  // One static name: a restart takes up what the run before left, and a second process at the same time fences the first.
  const join = async (): Promise<Membership> => {
    const member = await log.join({ group, member: 'registry', topics: [topic] })
    if (!member.assignments.some(one => one.topic === topic)) {
      await member.leave()
      throw new CliError('external', `Cannot lead the topic: another registry serves it: topic=${topic} group=${group}`)
    }
    return member
  }
  let member = await join()
  const commit = (bytes: Uint8Array) => member.commit({ appends: [{ topic, partition: 0, bytes }], offsets: [] })
  return {
    async append (bytes) {
      const copy = bytes.slice()
      try {
        await commit(copy)
      } catch (error) {
        // After a broker's restart or a long pause the membership is over; nothing of the step was written.
        if (!(error instanceof StreamError) || error.code !== 'LOG_REBALANCED') throw error
        member = await join()
        await commit(copy)
      }
    },
    leave: () => member.leave(),
  }
}
