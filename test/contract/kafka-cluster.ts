import { randomBytes } from 'node:crypto'
import { after } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import { lacking, type Stack, startStack } from '../../infra/local/stack.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'

/** That of `npm test` for all files, else the user's. */
const given = process.env.MILLRACE_TEST_KAFKA ?? process.env.KAFKA_BOOTSTRAP_SERVERS

/** The reason why there is no Kafka to test against; null when there is one. */
export const noKafka: string | null = given === undefined ? await lacking({ cassandra: false }) : null

export type TransactionVersion = 0 | 1 | 2
const stacks = new Map<TransactionVersion, Promise<Stack>>()

// Here and not where the stack starts: inside a test it would be stopped with that test.
after(async () => { for (const stack of stacks.values()) await (await stack).stop() })

/** A Kafka that runs already, else one of our own for this test file; always one of our own with older transactions. */
export async function bootstrapServers (transactionVersion: TransactionVersion = 2): Promise<string> {
  if (given !== undefined && transactionVersion === 2) return given
  const stack = stacks.get(transactionVersion) ?? startStack({ cassandra: false, registry: false, transactionVersion })
  stacks.set(transactionVersion, stack)
  return (await stack).bootstrapServers
}

export interface KafkaUnderTest { readonly log: LogPort, readonly prefix: string, /** Another client of the same cluster and prefix. */ readonly another: () => Promise<LogPort>, readonly finish: () => Promise<void> }

export type OpenLog = (properties: Readonly<Record<string, string>>) => Promise<LogPort>
const openOurs: OpenLog = properties => openKafkaLog({ ...kafkaSettings(properties), clock: machineClock })

/** A log whose topics have a prefix of their own, so that it is empty; its topics are deleted at the end. */
export async function kafkaLog (more: Readonly<Record<string, string>> = {}, open: OpenLog = openOurs): Promise<KafkaUnderTest> {
  const prefix = `t${randomBytes(6).toString('hex')}.`
  const properties = { 'bootstrap.servers': more['bootstrap.servers'] ?? await bootstrapServers(), 'topic.prefix': prefix, 'session.timeout.ms': '6000', ...more }
  const logs: LogPort[] = []
  const another = async () => {
    const log = await open(properties)
    logs.push(log)
    return log
  }
  const log = await another()
  return {
    log, prefix, another,
    finish: async () => {
      for (const { name } of await log.topics()) await log.deleteTopic(name)
      for (const one of logs) await one.close()
    },
  }
}
