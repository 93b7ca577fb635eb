import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Api, RequestOf } from '../../../connectors/kafka/api.ts'
import { Cluster } from '../../../connectors/kafka/cluster.ts'
import type { Lane } from '../../../connectors/kafka/connections.ts'
import { Polls } from '../../../connectors/kafka/polls.ts'
import type { FetchedPartition, fetch } from '../../../connectors/kafka/requests.ts'
import { ManualClock } from '../../kit/clock.ts'

type Request = RequestOf<typeof fetch>
interface Poll { readonly lane: string, readonly maxWaitMs: number, readonly partitions: readonly number[], readonly atMs: number, /** Of these partitions something has come. */ readonly answer: (...partitions: readonly number[]) => Promise<void> }

const address = { host: 'broker', port: 9092 }
const topicId = '00000000-0000-0000-0000-000000000001'

/** A broker that answers polls when the test says so. */
function rig () {
  const clock = new ManualClock()
  const polls: Poll[] = []
  const call = async (_: unknown, lane: Lane, __: Api<never, unknown>, request: unknown) => {
    const { maxWaitMs, topics } = request as Request
    const partitions = topics.flatMap(topic => topic.partitions.map(({ partition }) => partition))
    const { promise, resolve } = Promise.withResolvers<unknown>()
    polls.push({
      lane, maxWaitMs, partitions: [...partitions].sort((a, b) => a - b), atMs: clock.monotonicMs(),
      answer: async (...ready) => {
        resolve({ errorCode: 0, responses: [{ topicId, partitions: partitions.map(partitionIndex => ({ partitionIndex, errorCode: 0, records: new Uint8Array(ready.includes(partitionIndex) ? 1 : 0) })) }] })
        await clock.advance(0)
      },
    })
    return promise
  }
  const cluster = new Cluster({ brokers: [address], clientId: 'test', clock, patienceMs: 0, metadataAgeMs: 0, joinTimeoutMs: 0, connection: { connectTimeoutMs: 0, requestTimeoutMs: 0 }, wire: { call: call as never, close: async () => {} } })
  const broker = new Polls(cluster, clock, address)
  const came: number[] = []
  const ask = async (partition: number, waitMs = 500) => {
    await broker.ask({ topicId, partition, offset: 0, bytesMax: 1, waitMs }).then((answer: FetchedPartition) => { came.push(answer.records.length === 0 ? -partition : partition) })
  }
  return { clock, polls, came, ask, open: () => polls.map(({ partitions }) => partitions) }
}

test('polls: what is asked in one turn goes together, and what got nothing goes on with what is asked next', async () => {
  const { clock, polls, came, ask, open } = rig()
  for (const partition of [1, 3]) void ask(partition)
  // Whoever got something asks again in the same turn.
  void ask(2).then(() => ask(2))
  await clock.advance(10)
  assert.deepEqual(open(), [[1, 2, 3]])
  await polls[0]!.answer(2)
  assert.deepEqual(came, [2])
  await clock.advance(10)
  assert.deepEqual(open(), [[1, 2, 3], [1, 2, 3]])
  await polls[1]!.answer(1, 3)
  assert.deepEqual(came.sort(), [1, 2, 3])
})

test('polls: one after another keeps its distance, so that what comes meanwhile comes together', async () => {
  const { clock, polls, ask } = rig()
  void ask(1)
  await clock.advance(0)
  await polls[0]!.answer(1)
  void ask(1)
  await clock.advance(1)
  assert.equal(polls.length, 1)
  await clock.advance(1)
  assert.deepEqual(polls.map(({ atMs }) => atMs), [0, 2])
})

//  lane 0   1 ───────────────────────────── 500 ms
//  lane 1      2 ────────────────────────── 500 ms
//  lane 2         3 ── 5 ms | 3 4 ── 5 ms |           4 was asked while all lanes were taken
test('polls: no ask waits behind a long poll: the last lane comes back soon', async () => {
  const { clock, polls, came, ask, open } = rig()
  for (const partition of [1, 2, 3, 4]) {
    void ask(partition)
    await clock.advance(10)
  }
  assert.deepEqual(open(), [[1], [2], [3]])
  assert.deepEqual(polls.map(({ maxWaitMs }) => maxWaitMs), [500, 500, 5])
  await polls[2]!.answer()
  await clock.advance(10)
  assert.deepEqual(open()[3], [3, 4])
  assert.equal(polls[3]!.lane, 'wait 2')
  await polls[3]!.answer(4)
  assert.deepEqual(came, [4])
})

test('polls: where nothing comes, what waits on several lanes finds together again', async () => {
  const { clock, polls, ask, open } = rig()
  for (const partition of [1, 2, 3]) {
    void ask(partition)
    await clock.advance(10)
  }
  await polls[0]!.answer()
  await clock.advance(10)
  assert.equal(polls.length, 3)
  await polls[2]!.answer()
  await clock.advance(10)
  assert.deepEqual(open()[3], [1, 3])
})

test('polls: who has waited nearly as long as it would is answered with the others', async () => {
  const { clock, polls, came, ask } = rig()
  void ask(1)
  void ask(2, 400)
  void ask(3, 5_000)
  await clock.advance(0)
  assert.equal(polls[0]!.maxWaitMs, 400)
  await clock.advance(400)
  await polls[0]!.answer()
  assert.deepEqual(came.sort(), [-1, -2])
})

test('polls: a request names a partition once', async () => {
  const { clock, polls, came, ask, open } = rig()
  void ask(1)
  void ask(1)
  await clock.advance(10)
  assert.deepEqual(open(), [[1], [1]])
  for (const poll of polls) await poll.answer(1)
  assert.deepEqual(came, [1, 1])
})
