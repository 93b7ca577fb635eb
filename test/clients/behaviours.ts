import { murmur2 } from '../../pipelines/core/murmur2.ts'
import { Cannot, compressions, type Outgoing, pause, type Transactional, until } from './client.ts'
import type { Lab } from './lab.ts'

/** What is seen: true, false with what happened instead, or a list of what works. */
export type Verdict = true | string | { readonly works: readonly string[], readonly fails: readonly string[] }
export interface Behaviour { readonly group: string, readonly says: string, readonly look: (lab: Lab) => Promise<Verdict> }

const of = (value: string, partition = 0): Outgoing => ({ partition, key: Buffer.from('k'), value: Buffer.from(value) })
const day = 86_400_000

async function foreignTransactions ({ foreign, name }: Lab, topic: string, parts: readonly (readonly [values: readonly string[], end: 'commit' | 'abort'])[]): Promise<void> {
  const producer = foreign.producer({ transactionalId: name(), idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  for (const [values, end] of parts) {
    const transaction = await producer.transaction()
    for (const value of values) await transaction.send({ topic, messages: [{ partition: 0, key: 'k', value }] })
    await transaction[end]()
  }
  await producer.disconnect()
}

const instead = (values: readonly string[], wanted: readonly string[]): Verdict => {
  if (JSON.stringify(values) === JSON.stringify(wanted)) return true
  const short = (list: readonly string[]) => list.map(value => value.slice(0, 12)).join(' ')
  const extra = values.filter(value => !wanted.includes(value))
  return extra.length > 0 ? `hands out ${short(extra)}` : `hands out ${values.length === 0 ? 'nothing' : short(values)} instead of ${short(wanted)}`
}

const reading: readonly Behaviour[] = [
  { group: 'Reading', says: 'hides records of aborted transactions, when one producer aborts and commits in turn', look: async lab => {
    const topic = await lab.topic()
    await foreignTransactions(lab, topic, [[['ABORTED1', 'ABORTED2'], 'abort'], [['c', 'd'], 'commit'], [['ABORTED3'], 'abort'], [['e'], 'commit']])
    return instead((await lab.read(topic, { least: 3 })).values, ['c', 'd', 'e'])
  } },
  { group: 'Reading', says: 'hides an aborted transaction that is larger than a fetch, and gets past it', look: async lab => {
    const topic = await lab.topic()
    await foreignTransactions(lab, topic, [[Array.from({ length: 6 }, () => `ABORTED${'x'.repeat(300_000)}`), 'abort'], [['c'], 'commit']])
    return instead((await lab.read(topic, { fetchBytes: 400_000 })).values, ['c'])
  } },
  { group: 'Reading', says: 'hides records of aborted transactions, when two of them are open where a fetch begins', look: async lab => {
    const topic = await lab.topic()
    const [one, two] = await Promise.all([0, 1].map(async () => { const producer = lab.foreign.producer({ transactionalId: lab.name(), idempotent: true, maxInFlightRequests: 1 }); await producer.connect(); return producer }))
    const [a, b] = [await one!.transaction(), await two!.transaction()]
    const send = (transaction: typeof a, value: string) => transaction.send({ topic, messages: [{ partition: 0, value }] })
    for (const [transaction, value] of [[a, 'ABORTED-A1'], [b, 'ABORTED-B1'], [b, 'ABORTED-B2'], [a, 'ABORTED-A2']] as const) await send(transaction, value)
    await a.abort()
    await b.abort()
    await foreignTransactions(lab, topic, [[['c'], 'commit']])
    const group = lab.name()
    await lab.admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '2' }] })
    await Promise.all([one!.disconnect(), two!.disconnect()])
    return instead((await lab.read(topic, { group })).values, ['c'])
  } },
  { group: 'Reading', says: 'shows nothing of an open transaction, nor anything behind it, until it ends', look: async lab => {
    const topic = await lab.topic()
    const producer = lab.foreign.producer({ transactionalId: lab.name(), idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ partition: 0, value: 'open' }] })
    await lab.writer.send(topic, [of('behind')])
    const reader = await lab.client.join(topic, { group: lab.name() })
    await pause(4_000)
    const early = reader.seen.length
    await transaction.commit()
    await until(() => reader.seen.length >= 2, 10_000)
    const values = reader.seen.map(({ value }) => `${value}`)
    await Promise.all([producer.disconnect(), reader.close()])
    return early > 0 ? 'shows records of it' : instead(values, ['open', 'behind'])
  } },
  { group: 'Reading', says: 'notices a damaged batch by its checksum', look: async lab => {
    const topic = await lab.topic()
    await lab.writer.send(topic, [of('undamaged-value')])
    lab.damage(topic, 'undamaged-value')
    const { values } = await lab.read(topic)
    return values.length === 0 ? true : `hands out ${values[0]}`
  } },
  { group: 'Reading', says: 'reads compressed batches', look: async lab => {
    const results = { works: [] as string[], fails: [] as string[] }
    for (const compression of compressions) {
      const topic = await lab.topic()
      const values = Array.from({ length: 100 }, (_, index) => `${compression} ${index} ${'reading '.repeat(index % 20)}`)
      await lab.writer.send(topic, values.map(value => of(value)), compression)
      const seen = await lab.read(topic, { least: 100 }).catch(() => ({ values: [] }))
      results[JSON.stringify(seen.values) === JSON.stringify(values) ? 'works' : 'fails'].push(compression)
    }
    return results
  } },
  { group: 'Reading', says: 'gives a LogAppendTime topic\'s records the log\'s time', look: async lab => {
    const topic = await lab.topic(1, { 'message.timestamp.type': 'LogAppendTime' })
    const before = Date.now()
    await lab.writer.send(topic, [{ ...of('a'), timestamp: 1_000 }])
    const [first] = (await lab.read(topic)).seen
    return first === undefined ? 'reads nothing' : first.timestamp >= before ? true : `gives ${first.timestamp}`
  } },
  { group: 'Reading', says: 'tells an empty key or value from none', look: async lab => {
    const topic = await lab.topic()
    const [none, empty] = [null, Buffer.alloc(0)]
    const producer = lab.foreign.producer()
    await producer.connect()
    await producer.send({ topic, messages: [{ partition: 0, key: none, value: empty }, { partition: 0, key: empty, value: none }] })
    await producer.disconnect()
    const { seen } = await lab.read(topic, { least: 2 })
    const shown = seen.map(({ key, value }) => `${key === null || key === undefined ? 'none' : 'empty'}/${value === null || value === undefined ? 'none' : 'empty'}`).join(' ')
    return shown === 'none/empty empty/none' ? true : `gives ${shown || 'nothing'}`
  } },
  { group: 'Reading', says: 'says so when records that it has not read were deleted', look: async lab => {
    const topic = await lab.topic()
    await lab.writer.send(topic, [of('a'), of('b'), of('c')])
    const group = lab.name()
    await lab.admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '0' }] })
    await lab.admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] })
    const { seen, errors } = await lab.read(topic, { group, strict: true })
    return errors.length > 0 ? true : seen.length === 0 ? 'reads nothing, and says nothing' : `goes on at offset ${seen[0]!.offset}`
  } },
]

const writing: readonly Behaviour[] = [
  { group: 'Writing', says: 'keeps times that lie 30 days apart in one call', look: async lab => {
    const topic = await lab.topic(1, { 'message.timestamp.before.max.ms': `${400 * day}` })
    const now = Date.now()
    const times = [now - 60 * day, now - 30 * day, now]
    await lab.client.send(topic, times.map(timestamp => ({ ...of('v'), timestamp })))
    const kept = (await lab.written(topic)).records.map(({ timestamp }) => timestamp)
    return JSON.stringify(kept) === JSON.stringify(times) ? true : `writes ${kept.map((time, index) => time === times[index] ? 'right' : `${Math.round((time - times[index]!) / day)} days off`).join(', ')}`
  } },
  { group: 'Writing', says: 'writes header values of any bytes', look: headers([['h', Buffer.from([0xff, 0xfe, 0])]]) },
  { group: 'Writing', says: 'writes a header without a value', look: headers([['h', null]]) },
  { group: 'Writing', says: 'keeps the order of repeated headers', look: headers([['a', Buffer.from('1')], ['b', Buffer.from('2')], ['a', Buffer.from('3')]]) },
  { group: 'Writing', says: 'puts a key where Java\'s client puts it', look: async lab => {
    const topic = await lab.topic(7)
    const keys = Array.from({ length: 30 }, (_, index) => `device-${index}`)
    await lab.client.send(topic, keys.map(key => ({ ...of('v'), partition: null, key: Buffer.from(key) })))
    let wrong = 0
    for (let partition = 0; partition < 7; partition += 1) for (const { key } of (await lab.written(topic, partition)).records) if ((murmur2(Buffer.from(key!)) & 0x7fffffff) % 7 !== partition) wrong += 1
    return wrong === 0 ? true : `${wrong} of 30 elsewhere`
  } },
  { group: 'Writing', says: 'writes compressed batches', look: async lab => {
    const results = { works: [] as string[], fails: [] as string[] }
    for (const compression of compressions) {
      const topic = await lab.topic()
      const done = await lab.client.send(topic, Array.from({ length: 100 }, () => of('reading '.repeat(20))), compression).then(() => lab.storedCompression(topic) === compressions.indexOf(compression) + 1, error => { if (error instanceof Cannot && lab.client.name === 'connectors/kafka') throw error; return false })
      results[done ? 'works' : 'fails'].push(compression)
    }
    return results
  } },
]

function headers (list: NonNullable<Outgoing['headers']>): (lab: Lab) => Promise<Verdict> {
  const shown = (one: typeof list) => one.map(([name, value]) => `${name}=${value === null ? 'none' : Buffer.from(value).toString('hex')}`).join(' ')
  return async lab => {
    const topic = await lab.topic()
    await lab.client.send(topic, [{ ...of('v'), headers: list }])
    const [record] = (await lab.written(topic)).records
    const kept = shown((record?.headers ?? []).map(([name, value]) => [name, value && Buffer.from(value)]))
    return kept === shown(list) ? true : `writes ${kept || 'none'} for ${shown(list)}`
  }
}

async function transaction (tx: Transactional, topic: string, value: string): Promise<void> {
  await tx.begin()
  await tx.send(topic, [of(value)])
  await tx.commit()
}

const transactions: readonly Behaviour[] = [
  { group: 'Transactions', says: 'begins again under the transactional id of a process that died in mid-transaction', look: async lab => {
    const [topic, id] = [await lab.topic(), lab.name()]
    const first = await lab.client.transactional(id)
    await first.begin()
    await first.send(topic, [of('lost')])
    await first.drop()
    await transaction(await lab.client.transactional(id), topic, 'again')
    return instead((await lab.written(topic)).records.map(({ value }) => Buffer.from(value!).toString()), ['again'])
  } },
  { group: 'Transactions', says: 'is fenced when another takes its transactional id over', look: async lab => {
    const [topic, id] = [await lab.topic(), lab.name()]
    const zombie = await lab.client.transactional(id)
    await transaction(zombie, topic, 'before')
    await transaction(await lab.client.transactional(id), topic, 'after')
    return transaction(zombie, topic, 'zombie').then(() => 'commits', () => true)
  } },
  { group: 'Transactions', says: 'commits all offsets that are added to a transaction', look: async lab => {
    const [topic, group] = [await lab.topic(8), lab.name()]
    await lab.writer.send(topic, Array.from({ length: 8 }, (_, partition) => of('v', partition)))
    const reader = await lab.client.join(topic, { group })
    await until(() => reader.partitions().length === 8 && reader.seen.length === 8, 15_000)
    const tx = await lab.client.transactional(lab.name())
    await tx.begin()
    await tx.offsets(group, reader, Array.from({ length: 8 }, (_, partition) => ({ topic, partition, offset: 1, metadata: '' })))
    await tx.commit()
    await pause(500)
    const committed = (await lab.admin.fetchOffsets({ groupId: group, topics: [topic] }))[0]!.partitions.filter(({ offset }) => offset === '1').length
    await reader.close()
    return committed === 8 ? true : `${committed} of 8 committed`
  } },
  { group: 'Transactions', says: 'commits metadata beside an offset', look: async lab => {
    const [topic, group] = [await lab.topic(), lab.name()]
    await lab.writer.send(topic, [of('v')])
    const reader = await lab.client.join(topic, { group })
    await until(() => reader.seen.length === 1, 15_000)
    const tx = await lab.client.transactional(lab.name())
    await tx.begin()
    await tx.offsets(group, reader, [{ topic, partition: 0, offset: 1, metadata: 'noted' }])
    await tx.commit()
    await pause(500)
    const [found] = (await lab.admin.fetchOffsets({ groupId: group, topics: [topic] }))[0]!.partitions
    await reader.close()
    return found?.metadata?.endsWith('noted') ? true : found?.offset === '1' ? 'commits the offset alone' : 'commits nothing'
  } },
  { group: 'Transactions', says: 'cannot commit offsets of a group that it has left, while others are in it', look: async lab => {
    const [topic, output, group] = [await lab.topic(), await lab.topic(), lab.name()]
    await lab.writer.send(topic, [of('v')])
    const reader = await lab.client.join(topic, { group })
    await until(() => reader.seen.length === 1, 15_000)
    const tx = await lab.client.transactional(lab.name())
    await reader.close()
    const other = await lab.client.join(topic, { group })
    await until(() => other.partitions().length > 0, 20_000)
    const verdict = await (async () => {
      await tx.begin()
      await tx.send(output, [of('out')])
      await tx.offsets(group, reader, [{ topic, partition: 0, offset: 1, metadata: '' }])
      await tx.commit()
    })().then((): Verdict => 'commits them', (): Verdict => true)
    await other.close()
    return verdict
  } },
  { group: 'Transactions', says: 'waits for offsets that an open transaction holds, instead of reading past them', look: async lab => {
    const [topic, group] = [await lab.topic(), lab.name()]
    await lab.writer.send(topic, Array.from({ length: 10 }, (_, index) => of(`v${index}`)))
    const producer = lab.foreign.producer({ transactionalId: lab.name(), idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const open = await producer.transaction()
    await open.sendOffsets({ consumerGroupId: group, topics: [{ topic, partitions: [{ partition: 0, offset: '5' }] }] })
    const joining = lab.client.join(topic, { group })
    joining.catch(() => {})
    const reader = await Promise.race([joining, pause(5_000).then(() => null)])
    if (reader !== null) await pause(4_000)
    const early = reader?.seen.length ?? 0
    await open.commit()
    const joined = await joining
    await until(() => joined.seen.length >= 5, 10_000)
    const first = joined.seen[0]?.offset
    await Promise.all([producer.disconnect(), joined.close()])
    return early > 0 ? `reads on from offset ${first}` : first === 5 ? true : `begins at ${first}`
  } },
  { group: 'Transactions', says: 'speaks the transaction protocol of Kafka 4 (KIP-890), in which every transaction has an epoch of its own', look: async lab => {
    const topic = await lab.topic()
    const tx = await lab.client.transactional(lab.name())
    for (let index = 0; index < 6; index += 1) await transaction(tx, topic, `${index}`)
    const epochs = new Map<bigint, Set<number>>()
    for (const { producerId, epoch } of (await lab.written(topic)).batches) epochs.set(producerId, (epochs.get(producerId) ?? new Set()).add(epoch))
    return [...epochs.values()].some(({ size }) => size > 1) ? true : 'one epoch for all'
  } },
]

const groups: readonly Behaviour[] = [
  { group: 'Groups', says: 'takes its partitions up again after a restart, without a rebalance of the others (static membership)', look: async lab => {
    const [topic, group] = [await lab.topic(4), lab.name()]
    const [a, b] = await Promise.all(['a', 'b'].map(instanceId => lab.client.join(topic, { group, instanceId })))
    const shared = await until(() => a!.partitions().length === 2 && b!.partitions().length === 2, 20_000)
    if (!shared) return `two members get ${a!.partitions().length} and ${b!.partitions().length} of 4 partitions`
    const [before, rebalances] = [JSON.stringify(a!.partitions()), b!.rebalances()]
    await a!.close()
    const again = await lab.client.join(topic, { group, instanceId: 'a' })
    await until(() => again.partitions().length > 0, 10_000)
    await pause(1_500)
    const verdict = b!.rebalances() !== rebalances ? 'the others rebalance' : JSON.stringify(again.partitions()) === before ? true : 'gets others'
    await Promise.all([again.close(), b!.close()])
    return verdict
  } },
]

export const behaviours: readonly Behaviour[] = [...reading, ...writing, ...transactions, ...groups]
