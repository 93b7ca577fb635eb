import assert from 'node:assert/strict'
import { test } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import type { Api } from '../../connectors/kafka/api.ts'
import { Again } from '../../connectors/kafka/codes.ts'
import type { Address } from '../../connectors/kafka/connection.ts'
import { Connections, type Lane, type Wire } from '../../connectors/kafka/connections.ts'
import { crc32c } from '../../connectors/kafka/crc.ts'
import { kafkaSettings, type KafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import { endTxn, initProducerId, produce } from '../../connectors/kafka/requests.ts'
import { noProducer, parcel, stamp } from '../../connectors/kafka/stamp.ts'
import { lacking, startStack } from '../../infra/local/stack.ts'
import { type Marker, MarkerSender } from '../kit/transaction-markers.ts'
import { batchOf, fails, valuesIn } from '../contract/log.ts'

const skip = await lacking({ cassandra: false }) ?? false
const rounds = process.env.MILLRACE_SLOW ? 100 : 10
const turns = 4
const places = [0, 1].map(partition => ({ topic: 'out', partition }))

async function trial (body: (settings: KafkaSettings, sender: MarkerSender) => Promise<void>): Promise<void> {
  const stack = await startStack({ cassandra: false, registry: false })
  const settings = kafkaSettings({ 'bootstrap.servers': stack.bootstrapServers, 'session.timeout.ms': '6000' })
  const sender = new MarkerSender(settings)
  try { await body(settings, sender) } finally {
    await sender.close()
    await stack.stop()
  }
}

/** The connector's connections, with an eye on the ends of transactions. */
class WatchedWire implements Wire {
  /** The last marker of each transactional id. */
  readonly markers = new Map<string, Marker>()
  renewals = 0
  /** Called before a commit is asked for, in place of it; the connection breaks then. */
  instead: ((transactionalId: string) => Promise<void>) | null = null
  readonly #real: Connections

  constructor ({ clientId, connection, rebalanceTimeoutMs, requestTimeoutMs }: KafkaSettings) {
    this.#real = new Connections({ clientId, connection, joinTimeoutMs: rebalanceTimeoutMs + requestTimeoutMs })
  }

  async call<Q, A> (address: Address, lane: Lane, asked: Api<Q, A>, request: Q): Promise<A> {
    const { transactionalId, committed, producerId } = request as { readonly transactionalId?: string, readonly committed?: boolean, readonly producerId?: bigint }
    if (asked.key === initProducerId.key && producerId !== noProducer.producerId) this.renewals += 1
    if (asked.key !== endTxn.key) return this.#real.call(address, lane, asked, request)
    const { instead } = this
    if (instead !== null && committed === true) {
      this.instead = null
      await instead(transactionalId!)
      throw new Again('cut', true)
    }
    const answer = await this.#real.call(address, lane, asked, request)
    const { errorCode, producerId: id, producerEpoch: epoch } = answer as { readonly errorCode: number, readonly producerId: bigint, readonly producerEpoch: number }
    if (errorCode === 0) this.markers.set(transactionalId!, { producerId: id, epoch, committed: committed! })
    return answer
  }

  close (): Promise<void> { return this.#real.close() }
}

//  a producer   first in both, committed      second in both ─────────────── aborted
//  markers              epoch 1 ◀──────┐                   ▲ 
//  leader of 0                         └─ the same again ──┘ ends the second, before Kafka 4.2
test('kafka: what brokers do with a marker that comes twice is what the connector takes it for', { skip }, () => trial(async (settings, sender) => {
  const log = await openKafkaLog({ ...settings, clock: machineClock })
  const wire = new Connections({ clientId: 'by-hand', connection: settings.connection, joinTimeoutMs: 0 })
  const [broker] = settings.brokers
  const transactionalId = 'by-hand'
  try {
    await log.createTopic({ name: 'out', partitions: 2, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })
    // Again while the coordinator's topic is made, or the markers of the last transaction are on their way.
    const until = async <T extends { readonly errorCode: number }>(ask: () => Promise<T>): Promise<T> => {
      for (let tries = 0; ; tries += 1) {
        const answer = await ask()
        if (answer.errorCode === 0) return answer
        assert(tries < 200, `error ${answer.errorCode}`)
        await machineClock.sleep(50)
      }
    }
    await assert.doesNotReject(log.join({ group: 'g', member: 'm', topics: ['out'] }))
    let { producerId, producerEpoch } = await until(() => wire.call(broker!, 'control', initProducerId, { transactionalId, transactionTimeoutMs: 30_000, ...noProducer }))
    const write = async (value: string) => {
      for (const place of places) await until(async () => {
        const records = stamp(parcel({ ...place, bytes: batchOf([value]) }, { crc: crc32c, batchBytesMax: 1 << 20, compression: 'none' }), { producerId, epoch: producerEpoch, sequence: 0, transactional: true }, crc32c)
        return (await wire.call(broker!, 'produce', produce, { transactionalId, timeoutMs: 5_000, topicData: [{ name: 'out', partitionData: [{ index: place.partition, records }] }] })).responses[0]!.partitionResponses[0]!
      })
    }
    const end = (committed: boolean) => until(() => wire.call(broker!, 'transaction', endTxn, { transactionalId, producerId, producerEpoch, committed }))
    await write('first')
    ;({ producerId, producerEpoch } = await end(true))
    const marker = { producerId, epoch: producerEpoch, committed: true }
    await write('second')
    const said = await sender.send(marker, places[0]!)
    await end(false)
    const isStrict = await sender.isStrict()
    assert.equal(said, isStrict ? 'INVALID_PRODUCER_EPOCH' : 'NONE')
    assert.deepEqual(await Promise.all(places.map(({ topic, partition }) => valuesIn(log, topic, partition))), [isStrict ? ['first'] : ['first', 'second'], ['first']])
  } finally {
    await wire.close()
    await log.close()
  }
}))

//  an id     kept ── commit ── (three others) ── lost: records and offsets ───── its commit is cut off ── aborted
//  markers             ◀─┐                                    ▲
//  leaders               └─ the same again, to all of them ───┘ refused
test(`kafka log: markers of a commit that come twice end nothing of the id's next transaction, ${rounds} times of ${rounds}`, { skip }, () => trial(async (settings, sender) => {
  const wire = new WatchedWire(settings)
  const log = await openKafkaLog({ ...settings, clock: machineClock, wire })
  const seen: string[] = []
  const commit = (value: string, offset: number) => ({ appends: places.map(place => ({ ...place, bytes: batchOf([value]) })), offsets: [{ topic: 'in', partition: 0, offset, metadata: '' }] })
  const shown = async () => [...await Promise.all(places.map(({ topic, partition }) => valuesIn(log, topic, partition))), (await log.committed('g', 'in', 0))?.offset ?? 0]
  try {
    for (const [name, partitions] of [['in', 1], ['out', 2]] as const) await log.createTopic({ name, partitions, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })
    for (let round = 0; round < rounds; round += 1) {
      const member = await log.join({ group: 'g', member: 'm', topics: ['in'] })
      wire.renewals = 0
      for (let turn = 0; turn < turns; turn += 1) {
        seen.push(`kept ${round}.${turn}`)
        await member.commit(commit(seen.at(-1)!, seen.length))
      }
      const said: string[] = []
      wire.instead = async transactionalId => {
        const marker = wire.markers.get(transactionalId)!
        for (const place of [...places, await sender.offsetsOf('g')]) said.push(await sender.send(marker, place))
      }
      await assert.rejects(member.commit(commit('lost', 1_000_000)), fails('KAFKA_UNREACHABLE'))
      assert.deepEqual(said, Array.from({ length: places.length + 1 }, () => 'INVALID_PRODUCER_EPOCH'), `round ${round}`)
      await member.leave()
      assert.deepEqual(await shown(), [seen, seen, seen.length], `round ${round}`)
      // Asked again while the markers are on their way.
      if (await sender.isStrict()) assert.equal(wire.renewals, 0)
      else assert(wire.renewals >= turns, `${wire.renewals} renewals`)
    }
  } finally {
    await log.close()
  }
}))
