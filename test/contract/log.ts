import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { Assignment, ClockPort, Commit, LogPort, Membership, TopicSpec } from '../../pipelines/core/ports.ts'
import { readBatchHeader, records, RecordBatchWriter } from '../../pipelines/core/record-batch.ts'

export interface LogUnderTest { readonly log: LogPort, readonly clock: ClockPort, readonly finish: () => Promise<void> }

const text = (value: string) => new TextEncoder().encode(value)
const topicSpec = (name: string, more: Partial<TopicSpec> = {}): TopicSpec =>
  ({ name, partitions: 2, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime', ...more })

/** One record batch; a copy, since the writer's bytes are its own. */
export function batchOf (values: readonly string[], { at = 1_000, key = 'k' }: { at?: number, key?: string | null } = {}): Uint8Array {
  const writer = new RecordBatchWriter()
  values.forEach((value, index) => { writer.append(at + index, key === null ? null : text(key), text(value)) })
  return writer.finish().slice()
}

export const valuesOf = (bytes: Uint8Array): string[] => [...records(bytes)].map(({ value }) => Buffer.from(value ?? []).toString())
/** Every record of a partition; markers of transactions take offsets too, so offsets say little about how many there are. */
export async function valuesIn (log: LogPort, topic: string, partition: number): Promise<string[]> {
  const { start, end } = await log.range(topic, partition)
  const values: string[] = []
  for (let offset = start; offset < end;) {
    const { bytes } = await log.fetch({ topic, partition, offset, bytesMax: 1 << 20, waitMs: 0 })
    assert(bytes.length > 0, `nothing at ${offset} before the end ${end}`)
    values.push(...valuesOf(bytes))
    for (let from = 0, header = readBatchHeader(bytes, 0); header !== null; from += header.bytes, header = readBatchHeader(bytes, from)) offset = header.baseOffset + header.lastOffsetDelta + 1
  }
  return values
}
export const fails = (code: string) => (error: unknown) => error instanceof StreamError && error.code === code

/** Where implementations differ by right. */
export interface LogTraits {
  /** Of a topic's name; less where a prefix stands before it. */
  readonly nameMax?: number
  /** Whether members of a group share its partitions; else the newest leads alone. */
  readonly shares?: boolean
  /** Whether a topic made anew has another id. */
  readonly ids?: boolean
  /** Whether batches come back as they were appended; else records do. */
  readonly framed?: boolean
}

/** What every implementation of the port must do. `make` gives a new, empty log each time. */
export function logContract (name: string, make: () => Promise<LogUnderTest>, { nameMax = 249, shares = false, ids = true, framed = true }: LogTraits = {}): void {
  const contract = (behaviour: string, body: (subject: LogUnderTest) => Promise<void>) => test(`${name} ${behaviour}`, async () => {
    const subject = await make()
    try { await body(subject) } finally { await subject.finish() }
  })
  topics(contract, { nameMax, ids })
  fetching(contract, framed)
  committing(contract)
  if (shares) sharing(contract)
  else leading(contract)
}

type Contract = (behaviour: string, body: (subject: LogUnderTest) => Promise<void>) => void

function topics (contract: Contract, { nameMax, ids }: { readonly nameMax: number, readonly ids: boolean }): void {
  contract('keeps a topic of the same shape and refuses another shape', async ({ log }) => {
    const first = await log.createTopic(topicSpec('readings'))
    const again = await log.createTopic(topicSpec('readings', { retentionMs: 5_000 }))
    assert.equal(again.id, first.id)
    assert.equal((await log.topic('readings'))?.retentionMs, 5_000)
    await assert.rejects(log.createTopic(topicSpec('readings', { partitions: 3 })), fails('LOG_TOPIC_DIFFERS'))
    assert.equal(await log.topic('nothing'), null)
    assert.deepEqual((await log.topics()).map(topic => topic.name), ['readings'])
  })

  contract('gives a topic made anew another id, no records and no committed offsets', async ({ log }) => {
    const { id } = await log.createTopic(topicSpec('readings'))
    await log.append('readings', 0, batchOf(['a']))
    const member = await log.join({ group: 'g', member: 'm', topics: ['readings'] })
    await member.commit({ appends: [], offsets: [{ topic: 'readings', partition: 0, offset: 1, metadata: '' }] })
    await log.deleteTopic('readings')
    assert.equal(await log.topic('readings'), null)
    await assert.rejects(log.fetch({ topic: 'readings', partition: 0, offset: 0, bytesMax: 100, waitMs: 0 }), fails('LOG_TOPIC_UNKNOWN'))
    const anew = await log.createTopic(topicSpec('readings'))
    if (ids) assert.notEqual(anew.id, id)
    assert.deepEqual(await log.range('readings', 0), { start: 0, end: 0 })
    assert.equal(await log.committed('g', 'readings', 0), null)
  })

  contract('refuses names and numbers of partitions that Kafka would refuse', async ({ log }) => {
    for (const name of ['', '.', '..', 'a b', 'a/b', 'x'.repeat(250)]) await assert.rejects(log.createTopic(topicSpec(name)), fails('LOG_NAME'), name)
    for (const partitions of [0, 1.5, -1, 1025]) await assert.rejects(log.createTopic(topicSpec('in', { partitions })), fails('LOG_NAME'))
    await log.createTopic(topicSpec('x'.repeat(nameMax)))
    await assert.rejects(log.join({ group: 'g'.repeat(5_000), member: 'm', topics: [] }), fails('LOG_NAME'))
  })

  contract('refuses topics and partitions that do not exist', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    await assert.rejects(log.append('nothing', 0, batchOf(['a'])), fails('LOG_TOPIC_UNKNOWN'))
    await assert.rejects(log.append('readings', 2, batchOf(['a'])), fails('LOG_TOPIC_UNKNOWN'))
    await assert.rejects(log.range('readings', -1), fails('LOG_TOPIC_UNKNOWN'))
    await assert.rejects(log.join({ group: 'g', member: 'm', topics: ['nothing'] }), fails('LOG_TOPIC_UNKNOWN'))
  })
}

function fetching (contract: Contract, framed: boolean): void {
  contract('takes batches whatever base offset their writer gave them', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    const writer = new RecordBatchWriter()
    for (const [base, value] of [[0, 'a'], [4_096, 'b']] as const) {
      writer.reset()
      writer.append(1_000, null, text(value))
      await log.append('readings', 0, writer.finish(base))
    }
    assert.deepEqual(await valuesIn(log, 'readings', 0), ['a', 'b'])
  })

  contract('may answer in the buffer given, with the same bytes; and outside it when they do not fit', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    for (const value of ['a', 'b', 'c']) await log.append('readings', 0, batchOf([value]))
    const into = new Uint8Array(1 << 12).fill(0xff)
    for (const buffer of [into, into, new Uint8Array(3)]) {
      const { bytes, end } = await log.fetch({ topic: 'readings', partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 0, into: buffer })
      assert.deepEqual([valuesOf(bytes), end], [['a', 'b', 'c'], 3])
    }
    const { bytes } = await log.fetch({ topic: 'readings', partition: 0, offset: 3, bytesMax: 1 << 20, waitMs: 0, into })
    assert.equal(bytes.length, 0)
  })

  contract('assigns offsets per partition and gives back the records in order', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    assert.deepEqual(await log.append('readings', 0, batchOf(['a', 'b'])), { baseOffset: 0 })
    assert.deepEqual(await log.append('readings', 1, batchOf(['x'])), { baseOffset: 0 })
    assert.deepEqual(await log.append('readings', 0, batchOf(['c'])), { baseOffset: 2 })
    const { bytes, end } = await log.fetch({ topic: 'readings', partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 0 })
    assert.equal(end, 3)
    assert.deepEqual([...records(bytes)].map(({ offset, timestamp }) => [offset, timestamp]), [[0, 1_000], [1, 1_001], [2, 1_000]])
    assert.deepEqual(valuesOf(bytes), ['a', 'b', 'c'])
  })

  contract('gives whole batches, from the one that holds the offset, within bytesMax but at least one', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    for (const values of [['a', 'b'], ['c', 'd'], ['e']]) await log.append('readings', 0, batchOf(values))
    const fetch = (offset: number, bytesMax: number) => log.fetch({ topic: 'readings', partition: 0, offset, bytesMax, waitMs: 0 })
    assert.deepEqual(valuesOf((await fetch(3, 1)).bytes), framed ? ['c', 'd'] : ['d'])
    if (framed) assert.deepEqual(valuesOf((await fetch(0, 2 * batchOf(['a', 'b']).length)).bytes), ['a', 'b', 'c', 'd'])
    else assert.deepEqual(valuesOf((await fetch(0, 1)).bytes), ['a'])
    assert.deepEqual(valuesOf((await fetch(4, 1 << 20)).bytes), ['e'])
    assert.equal((await fetch(5, 1 << 20)).bytes.length, 0)
    await assert.rejects(fetch(6, 1), fails('LOG_OUT_OF_RANGE'))
  })

  contract('gives each of several that fetch at once a batch, though each batch is larger than what is asked for', async ({ log }) => {
    await log.createTopic(topicSpec('readings', { partitions: 4 }))
    for (let partition = 0; partition < 4; partition += 1) await log.append('readings', partition, batchOf([`${partition}`.repeat(3_000)]))
    const found = await Promise.all(Array.from({ length: 4 }, (_, partition) => log.fetch({ topic: 'readings', partition, offset: 0, bytesMax: 1_000, waitMs: 0 })))
    assert.deepEqual(found.flatMap(({ bytes }) => valuesOf(bytes).map(value => [value[0], value.length])), [0, 1, 2, 3].map(partition => [`${partition}`, 3_000]))
  })

  contract('stamps the moment of append on a LogAppendTime topic', async ({ log, clock }) => {
    await log.createTopic(topicSpec('readings', { timestamps: 'LogAppendTime' }))
    const before = clock.wallMs()
    await log.append('readings', 0, batchOf(['a', 'b'], { at: 5 }))
    const { bytes } = await log.fetch({ topic: 'readings', partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 0 })
    assert(readBatchHeader(bytes, 0)?.logAppendTime)
    for (const { timestamp } of records(bytes)) assert(timestamp >= before && timestamp <= clock.wallMs())
  })

  contract('finds the first offset at or past a time', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    assert.equal(await log.offsetAt('readings', 0, 0), 0)
    await log.append('readings', 0, batchOf(['a', 'b', 'c'], { at: 100 }))
    await log.append('readings', 0, batchOf(['d'], { at: 50 }))
    await log.append('readings', 0, batchOf(['e'], { at: 200 }))
    for (const [at, offset] of [[0, 0], [100, 0], [101, 1], [103, 4], [200, 4], [201, 5]] as const) assert.equal(await log.offsetAt('readings', 0, at), offset, `at ${at}`)
  })

  contract('refuses what is not one sound, uncompressed record batch', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    const good = batchOf(['a'])
    const flipped = good.slice()
    flipped[good.length - 1]! ^= 1
    const refused = { empty: new Uint8Array(0), truncated: good.slice(0, -1), two: Uint8Array.from([...good, ...good]), flipped, wrongVersion: good.map((byte, index) => index === 16 ? 1 : byte) }
    for (const [why, bytes] of Object.entries(refused)) await assert.rejects(log.append('readings', 0, bytes), fails('LOG_BATCH_REFUSED'), why)
    await log.createTopic(topicSpec('table', { cleanup: 'compact' }))
    await assert.rejects(log.append('table', 0, batchOf(['a'], { key: null })), fails('LOG_BATCH_REFUSED'))
    assert.deepEqual(await log.range('readings', 0), { start: 0, end: 0 })
  })

  contract('lets the caller reuse its bytes once append has returned', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    const bytes = batchOf(['a'])
    const appended = log.append('readings', 0, bytes)
    bytes.fill(0)
    await appended
    assert.deepEqual(valuesOf((await log.fetch({ topic: 'readings', partition: 0, offset: 0, bytesMax: 1, waitMs: 0 })).bytes), ['a'])
  })

  contract('wakes a waiting fetch on append', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    const waiting = log.fetch({ topic: 'readings', partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 60_000 })
    await log.append('readings', 1, batchOf(['other partition']))
    await log.append('readings', 0, batchOf(['a']))
    assert.deepEqual(valuesOf((await waiting).bytes), ['a'])
  })

  contract('ends a waiting fetch when its signal aborts', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    const stop = new AbortController()
    const waiting = log.fetch({ topic: 'readings', partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 60_000, signal: stop.signal })
    setImmediate(() => { stop.abort() })
    assert.deepEqual((await waiting).bytes.length, 0)
  })

  contract('trims whole batches only and then refuses offsets before the start', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    for (const values of [['a', 'b'], ['c', 'd'], ['e']]) await log.append('readings', 0, batchOf(values))
    await log.trim('readings', 0, 3)
    const { start, end } = await log.range('readings', 0)
    assert(start >= 2 && start <= 3, `${start}`)
    assert.equal(end, 5)
    await assert.rejects(log.fetch({ topic: 'readings', partition: 0, offset: 1, bytesMax: 1, waitMs: 0 }), fails('LOG_OUT_OF_RANGE'))
    await log.trim('readings', 0, 5)
    assert.deepEqual(await log.range('readings', 0), { start: 5, end: 5 })
    assert.deepEqual(await log.append('readings', 0, batchOf(['f'])), { baseOffset: 5 })
  })
}

function committing (contract: Contract): void {
  contract('commits outputs of several topics and offsets together', async ({ log }) => {
    await log.createTopic(topicSpec('in'))
    await log.createTopic(topicSpec('out'))
    await log.createTopic(topicSpec('state'))
    const member = await log.join({ group: 'g', member: 'm', topics: ['in'] })
    assert.deepEqual(member.assignments, [{ topic: 'in', partition: 0 }, { topic: 'in', partition: 1 }])
    assert.equal(await log.committed('g', 'in', 0), null)
    await member.commit({
      appends: [{ topic: 'out', partition: 0, bytes: batchOf(['a', 'b']) }, { topic: 'out', partition: 0, bytes: batchOf(['c']) }, { topic: 'state', partition: 1, bytes: batchOf(['s']) }],
      offsets: [{ topic: 'in', partition: 0, offset: 7, metadata: 'm7' }, { topic: 'in', partition: 1, offset: 9, metadata: '' }],
    })
    assert.deepEqual(await log.committed('g', 'in', 0), { offset: 7, metadata: 'm7' })
    assert.deepEqual(await log.committed('g', 'in', 1), { offset: 9, metadata: '' })
    assert.equal(await log.committed('other', 'in', 0), null)
    assert.equal(await log.committed('g', 'nothing', 0), null)
    assert.deepEqual(await valuesIn(log, 'out', 0), ['a', 'b', 'c'])
    assert.deepEqual(await valuesIn(log, 'state', 1), ['s'])
  })

  contract('writes nothing of a commit with one bad part', async ({ log }) => {
    await log.createTopic(topicSpec('in'))
    await log.createTopic(topicSpec('out'))
    const commit = async (commit: Commit) => (await log.join({ group: 'g', member: 'm', topics: ['in'] })).commit(commit)
    const offsets = [{ topic: 'in', partition: 0, offset: 1, metadata: '' }]
    const good = { topic: 'out', partition: 0, bytes: batchOf(['a']) }
    await assert.rejects(commit({ appends: [good, { topic: 'out', partition: 0, bytes: new Uint8Array(80) }], offsets }), fails('LOG_BATCH_REFUSED'))
    await assert.rejects(commit({ appends: [good, { topic: 'nothing', partition: 0, bytes: batchOf(['a']) }], offsets }), fails('LOG_TOPIC_UNKNOWN'))
    await assert.rejects(commit({ appends: [good], offsets: [...offsets, { topic: 'nothing', partition: 0, offset: 1, metadata: '' }] }), fails('LOG_TOPIC_UNKNOWN'))
    assert.deepEqual(await valuesIn(log, 'out', 0), [])
    assert.equal(await log.committed('g', 'in', 0), null)
  })

  contract('fences the earlier run of a member when it joins again, and a member that has left', async ({ log }) => {
    await log.createTopic(topicSpec('in'))
    const commitAt = (offset: number) => ({ appends: [{ topic: 'in', partition: 1, bytes: batchOf([`${offset}`]) }], offsets: [{ topic: 'in', partition: 0, offset, metadata: '' }] })
    const first = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    await first.commit(commitAt(1))
    const second = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    const other = await log.join({ group: 'h', member: 'c', topics: ['in'] })
    await assert.rejects(first.commit(commitAt(2)), fails('LOG_FENCED'))
    await first.leave()
    await second.commit(commitAt(3))
    await second.leave()
    await assert.rejects(second.commit(commitAt(4)), fails('LOG_FENCED'))
    await other.commit({ appends: [], offsets: [{ topic: 'in', partition: 0, offset: 5, metadata: '' }] })
    assert.equal((await log.committed('g', 'in', 0))?.offset, 3)
    assert.deepEqual(await valuesIn(log, 'in', 1), ['1', '3'])
  })

  contract('refuses whatever a member commits behind a commit that failed, also what is under way', async ({ log }) => {
    await log.createTopic(topicSpec('in'))
    const member = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    const commitAt = (offset: number, topic = 'in') => member.commit({ appends: [{ topic: 'in', partition: 0, bytes: batchOf([`${offset}`]) }], offsets: [{ topic, partition: 0, offset, metadata: '' }] })
    const settled = await Promise.allSettled([commitAt(1), commitAt(2, 'nothing'), commitAt(3), commitAt(4)])
    assert.deepEqual(settled.map(({ status }) => status), ['fulfilled', 'rejected', 'rejected', 'rejected'])
    await assert.rejects(commitAt(5), fails('LOG_TOPIC_UNKNOWN'))
    assert.equal((await log.committed('g', 'in', 0))?.offset, 1)
    assert.deepEqual(await valuesIn(log, 'in', 0), ['1'])
    const next = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    await next.commit({ appends: [], offsets: [{ topic: 'in', partition: 0, offset: 6, metadata: '' }] })
    assert.equal((await log.committed('g', 'in', 0))?.offset, 6)
  })

  contract('shows a member that joins every commit that its predecessor is told of', async ({ log }) => {
    await log.createTopic(topicSpec('in'))
    const first = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    let told = 0
    const commits = Promise.allSettled(Array.from({ length: 50 }, async (_, index) => {
      await first.commit({ appends: [], offsets: [{ topic: 'in', partition: 0, offset: index + 1, metadata: '' }] })
      told = index + 1
    }))
    await log.join({ group: 'g', member: 'a', topics: ['in'] })
    const seen = (await log.committed('g', 'in', 0))?.offset ?? 0
    await commits
    assert.equal(told, seen)
    assert.equal((await log.committed('g', 'in', 0))?.offset ?? 0, seen)
  })

  contract('applies commits of one member in the order of the calls', async ({ log }) => {
    await log.createTopic(topicSpec('in'))
    const member = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    await Promise.all(Array.from({ length: 100 }, (_, index) => member.commit({ appends: [{ topic: 'in', partition: 0, bytes: batchOf([`${index}`]) }], offsets: [{ topic: 'in', partition: 0, offset: index, metadata: `${index}` }] })))
    assert.deepEqual(await valuesIn(log, 'in', 0), Array.from({ length: 100 }, (_, index) => `${index}`))
    assert.deepEqual(await log.committed('g', 'in', 0), { offset: 99, metadata: '99' })
  })
}

function leading (contract: Contract): void {
  contract('fences the earlier member when another joins', async ({ log }) => {
    await log.createTopic(topicSpec('in'))
    const commitAt = (offset: number) => ({ appends: [], offsets: [{ topic: 'in', partition: 0, offset, metadata: '' }] })
    const first = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    await first.commit(commitAt(1))
    const second = await log.join({ group: 'g', member: 'b', topics: ['in'] })
    await assert.rejects(first.commit(commitAt(2)), fails('LOG_FENCED'))
    await second.commit(commitAt(3))
    assert.equal((await log.committed('g', 'in', 0))?.offset, 3)
  })
}

const partitionsOf = (assigned: readonly Assignment[]) => assigned.map(({ partition }) => partition)
/** Until it is so: a group shares out on its own time. */
async function until (clock: ClockPort, what: string, isSo: () => boolean): Promise<void> {
  for (const untilMs = clock.monotonicMs() + 30_000; !isSo();) {
    assert(clock.monotonicMs() < untilMs, what)
    await clock.sleep(20)
  }
}

function sharing (contract: Contract): void {
  const commitAt = (offset: number, partition: number) => ({ appends: [{ topic: 'out', partition: 0, bytes: batchOf([`${partition}:${offset}`]) }], offsets: [{ topic: 'in', partition, offset, metadata: '' }] })
  const make = async (log: LogPort) => {
    await log.createTopic(topicSpec('in', { partitions: 4 }))
    await log.createTopic(topicSpec('out', { partitions: 1 }))
  }

  contract('gives a member that joins its share once another has let it go, and nothing to two members at once', async ({ log, clock }) => {
    await make(log)
    const first = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    assert.deepEqual(partitionsOf(first.assignments), [0, 1, 2, 3])
    await first.commit(commitAt(1, 3))
    const second = await log.join({ group: 'g', member: 'b', topics: ['in'] })
    await until(clock, 'two are wanted back', () => first.revoked.length === 2)
    await clock.sleep(1_000)
    assert.deepEqual(second.assignments, [])
    const wanted = partitionsOf(first.revoked)
    assert.deepEqual(partitionsOf(first.assignments), [0, 1, 2, 3])
    for (const partition of [0, 1, 2, 3]) await first.commit(commitAt(2, partition))
    await first.release()
    assert.deepEqual(first.revoked, [])
    await until(clock, 'the second has what the first let go', () => second.assignments.length === 2)
    assert.deepEqual(partitionsOf(second.assignments), wanted)
    assert.deepEqual(partitionsOf(first.assignments), [0, 1, 2, 3].filter(partition => !wanted.includes(partition)))
    for (const partition of wanted) {
      assert.equal((await log.committed('g', 'in', partition))?.offset, 2)
      await second.commit(commitAt(3, partition))
    }
    for (const { partition } of first.assignments) await first.commit(commitAt(3, partition))
    await assert.rejects(first.commit(commitAt(4, wanted[0]!)), fails('LOG_FENCED'))
    assert.equal((await log.committed('g', 'in', wanted[0]!))?.offset, 3)
  })

  contract('goes on committing while others join and take their share', async ({ log, clock }) => {
    await make(log)
    const members = [await log.join({ group: 'g', member: 'm0', topics: ['in'] })]
    const told: number[] = [0, 0, 0, 0]
    let over = false
    const work = async (member: Membership) => {
      while (!over) {
        for (const { partition } of member.assignments) {
          if (!partitionsOf(member.assignments).includes(partition)) continue
          const offset = ((await log.committed('g', 'in', partition))?.offset ?? 0) + 1
          await member.commit(commitAt(offset, partition))
          assert.equal(told[partition], offset - 1, `nobody else has partition ${partition}`)
          told[partition] = offset
        }
        if (member.revoked.length > 0) await member.release()
        await clock.sleep(10)
      }
    }
    const working = [work(members[0]!)]
    for (const member of ['m1', 'm2', 'm3']) {
      members.push(await log.join({ group: 'g', member, topics: ['in'] }))
      working.push(work(members.at(-1)!))
    }
    await until(clock, 'everybody has one', () => members.every(({ assignments, revoked }) => assignments.length === 1 && revoked.length === 0))
    const before = [...told]
    await until(clock, 'all go on', () => told.every((offset, partition) => offset > before[partition]!))
    over = true
    await Promise.all(working)
    assert.deepEqual((await valuesIn(log, 'out', 0)).sort(), told.flatMap((last, partition) => Array.from({ length: last }, (_, at) => `${partition}:${at + 1}`)).sort())
  })

  contract('gives a member that joins again under its name the same share, and takes nothing from others', async ({ log, clock }) => {
    await make(log)
    const first = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    const second = await log.join({ group: 'g', member: 'b', topics: ['in'] })
    await until(clock, 'two are wanted back', () => first.revoked.length === 2)
    await first.release()
    await until(clock, 'both have two', () => second.assignments.length === 2)
    const share = second.assignments
    await second.commit(commitAt(1, share[0]!.partition))
    await second.leave()
    const again = await log.join({ group: 'g', member: 'b', topics: ['in'] })
    await until(clock, 'it has its share', () => again.assignments.length === 2)
    assert.deepEqual(again.assignments, share)
    assert.deepEqual(first.revoked, [])
    await again.commit(commitAt(2, share[0]!.partition))
    await first.commit(commitAt(1, first.assignments[0]!.partition))
  })
}
