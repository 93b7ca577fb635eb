import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StreamError } from '../../../pipelines/core/errors.ts'
import type { Fetched, FetchRequest, LogPort } from '../../../pipelines/core/ports.ts'
import { records } from '../../../pipelines/core/record-batch.ts'
import { type Chunk, Feed } from '../../../pipelines/runtime/feed.ts'
import { ManualClock } from '../../kit/clock.ts'
import { MemoryLog } from '../../kit/memory-log.ts'
import { batchWith, text, topicSpec } from './kit.ts'

const place = { topic: 'in', partition: 0, offset: 0 }
const never = new AbortController().signal
const valuesOf = (chunk: Chunk | null) => chunk === null ? null : [...records(chunk.bytes)].map(({ value }) => Buffer.from(value!).toString())

/** A log in memory that says which fetches are under way. */
async function rig () {
  const clock = new ManualClock()
  const log = new MemoryLog({ clock })
  await log.createTopic(topicSpec('in'))
  const asked: FetchRequest[] = []
  let underWay = 0
  const port = new Proxy<LogPort>(log, {
    get: (target, name) => name !== 'fetch' ? target[name as keyof LogPort] : async (request: FetchRequest): Promise<Fetched> => {
      asked.push(request)
      underWay += 1
      try { return await log.fetch(request) } finally { underWay -= 1 }
    },
  })
  const send = (value: string) => log.append('in', 0, batchWith(text('k'), text(value)))
  return { clock, log, asked, feed: new Feed(port, clock), send, underWay: () => underWay }
}

test('feed: the next fetch is under way while what came is processed, into the other buffer', async () => {
  const { clock, feed, asked, send } = await rig()
  const inlet = feed.open(place)
  assert.equal(inlet.take(), null)
  for (const value of ['a', 'b']) { await send(value); await clock.advance(0) }
  const first = inlet.take()
  assert.deepEqual(valuesOf(first), ['a'])
  assert.deepEqual(asked.map(({ offset }) => offset), [0, 1])
  assert.notEqual(asked[0]!.into, asked[1]!.into)
  await clock.advance(0)
  assert.deepEqual(valuesOf(inlet.take()), ['b'])
  assert.equal(asked[2]!.into, asked[0]!.into)
  await feed.close()
})

test('feed: what nobody takes is not read on', async () => {
  const { clock, feed, asked, send } = await rig()
  const inlet = feed.open(place)
  for (const value of ['a', 'b', 'c']) { await send(value); await clock.advance(1_000) }
  assert.equal(asked.length, 1)
  assert.equal(inlet.isReady, true)
  await feed.close()
})

test('feed: waiting ends when something comes, when what else was to be waited for settles, and when the time is over', async () => {
  const { clock, feed, send } = await rig()
  feed.open(place)
  const waited = async (act: () => Promise<void>, more?: Promise<void>) => {
    let over = false
    feed.wait(50, never, more === undefined ? [] : [more]).then(() => { over = true })
    await clock.advance(0)
    assert.equal(over, false)
    await act()
    await clock.advance(0)
    return over
  }
  assert.equal(await waited(() => clock.advance(50)), true)
  const more = Promise.withResolvers<void>()
  assert.equal(await waited(async () => { more.resolve() }, more.promise), true)
  assert.equal(await waited(async () => { await send('a') }), true)
  await feed.wait(50, never)
  await feed.close()
})

test('feed: silence is what answers confirm; a log that does not answer is not silent', async () => {
  const { clock, feed, send } = await rig()
  const inlet = feed.open({ ...place, idleMs: 400 })
  await clock.advance(1_000)
  assert.equal(inlet.confirmedMs, 1_000)
  await send('a')
  await clock.advance(5_000)
  assert.equal(inlet.confirmedMs, 1_000, 'nothing is confirmed while something waits to be taken')
  inlet.take()
  await clock.advance(90)
  assert.equal(inlet.confirmedMs, 1_000)
  await clock.advance(10)
  assert.equal(inlet.confirmedMs, 6_100)
  await feed.close()
})

test('feed: what is held wakes nobody, and is there once it is not', async () => {
  const { clock, feed, send } = await rig()
  const inlet = feed.open(place)
  inlet.held = true
  await send('a')
  await clock.advance(0)
  let over = false
  feed.wait(50, never).then(() => { over = true })
  await clock.advance(49)
  assert.equal(over, false)
  await clock.advance(1)
  inlet.held = false
  await feed.wait(1e9, never)
  assert.deepEqual(valuesOf(inlet.take()), ['a'])
  await feed.close()
})

test('feed: what a fetch throws is thrown where its partition is taken from, and ends the waiting', async () => {
  const { clock, log, feed } = await rig()
  const inlet = feed.open({ ...place, offset: 7 })
  await feed.wait(1e9, never)
  assert.throws(() => inlet.take(), (error: StreamError) => error.code === 'LOG_OUT_OF_RANGE')
  assert.throws(() => inlet.take(), (error: StreamError) => error.code === 'LOG_OUT_OF_RANGE')
  await feed.close()
  await log.close()
  assert.equal(clock.sleeping, 0)
})

test('feed: one that is closed leaves no fetch and no sleeper behind', async () => {
  const { clock, feed, send, underWay } = await rig()
  const one = feed.open(place)
  feed.open(place)
  await clock.advance(100)
  assert.equal(underWay(), 2)
  await one.close()
  assert.equal(underWay(), 1)
  await feed.close()
  assert.equal(underWay(), 0)
  assert.equal(clock.sleeping, 0)
  await send('a')
  await clock.advance(1_000)
  assert.equal(underWay(), 0)
})

test('feed: a partition that brings much is asked for more, one that brings little for less again', async () => {
  const { clock, feed, asked, send } = await rig()
  const inlet = feed.open(place)
  const take = async (bytes: number) => {
    await send('x'.repeat(bytes))
    await clock.advance(0)
    inlet.take()
    await clock.advance(0)
    return asked.at(-1)!.bytesMax
  }
  const [least, more] = [asked[0]!.bytesMax, await take(100_000)]
  assert.equal(more, least * 2)
  for (let turn = 0; turn < 12; turn += 1) await take(600_000)
  assert.equal(asked.at(-1)!.bytesMax, 1 << 20)
  for (let turn = 0; turn < 400; turn += 1) await take(10)
  assert.equal(asked.at(-1)!.bytesMax, least)
  await feed.close()
})
