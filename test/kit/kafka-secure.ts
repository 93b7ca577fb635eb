import assert from 'node:assert/strict'
import type { Stack } from '../../infra/local/stack.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'
import { batchOf, valuesIn } from '../contract/log.ts'

export type Properties = Readonly<Record<string, string>>

/** How a user of a local stack with TLS reaches it. */
export function secureProperties (stack: Stack, user: 'millrace' | 'guest', more: Properties = {}): Properties {
  const { name, password } = stack.secure!.users[user]
  return {
    'bootstrap.servers': stack.bootstrapServers, 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'SCRAM-SHA-512', 'sasl.username': name, 'sasl.password': password, 'ssl.ca.location': stack.secure!.caFile,
    'default.api.timeout.ms': '3000', ...more,
  }
}

/** As `millrace`, by certificate. */
export function mutualProperties ({ mutualServers, secure }: Stack): Properties {
  const { caFile, certificates: { millrace } } = secure!
  return { 'bootstrap.servers': mutualServers!, 'security.protocol': 'SSL', 'ssl.ca.location': caFile, 'ssl.certificate.location': millrace.certFile, 'ssl.key.location': millrace.keyFile }
}

/** What must be refused. */
export const wrongs = ['a wrong password', 'an unknown user', 'a broker whose certificate another CA signed', 'a broker that no CA of this machine signed'] as const
export function wrongProperties (stack: Stack): Readonly<Record<typeof wrongs[number], Properties>> {
  const { 'ssl.ca.location': _, ...withoutCa } = secureProperties(stack, 'millrace')
  return {
    'a wrong password': secureProperties(stack, 'millrace', { 'sasl.password': 'canary-wrong' }),
    'an unknown user': secureProperties(stack, 'millrace', { 'sasl.username': 'nobody' }),
    'a broker whose certificate another CA signed': secureProperties(stack, 'millrace', { 'ssl.ca.location': stack.secure!.otherCaFile }),
    'a broker that no CA of this machine signed': withoutCa,
  }
}

/** An append, a transaction with offsets, and all of it read back. */
export async function roundTrip (log: LogPort, topic: string): Promise<void> {
  await log.createTopic({ name: topic, partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'LogAppendTime' })
  await log.append(topic, 0, batchOf(['a']))
  const member = await log.join({ group: `group-of-${topic}`, member: 'm', topics: [topic] })
  await member.commit({ appends: [{ topic, partition: 0, bytes: batchOf(['b']) }], offsets: [{ topic, partition: 0, offset: 1, metadata: '' }] })
  assert.deepEqual(await valuesIn(log, topic, 0), ['a', 'b'])
  await member.leave()
}
