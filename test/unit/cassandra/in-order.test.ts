import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inOrder, merged } from '../../../connectors/cassandra/in-order.ts'

async function list<Item> (items: AsyncIterable<Item>): Promise<Item[]> {
  const result: Item[] = []
  for await (const item of items) result.push(item)
  return result
}
const later = (turns: number) => new Promise<void>(resolve => { const turn = (left: number) => { left === 0 ? resolve() : setImmediate(turn, left - 1) }; turn(turns) })

test('streams are begun early, never more than the bound at once, and given out in order, whatever is done first', async () => {
  let open = 0
  let most = 0
  const begun: number[] = []
  const stream = async function * (one: number): AsyncGenerator<string> {
    begun.push(one)
    most = Math.max(most, open += 1)
    await later(10 - one)
    yield `${one}a`
    yield `${one}b`
    open -= 1
  }
  const seen: string[] = []
  for await (const piece of inOrder([0, 1, 2, 3, 4, 5], stream, 3)) {
    if (seen.length === 0) assert.deepEqual(begun, [0, 1, 2])
    seen.push(piece)
  }
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5].flatMap(one => [`${one}a`, `${one}b`]))
  assert.equal(most, 3)
})

test('an error comes at its stream\'s turn, and who stops early leaves no stream open', async () => {
  const ended: number[] = []
  const stream = async function * (one: number): AsyncGenerator<number> {
    try {
      if (one === 2) throw new Error('two')
      yield one
      yield one
    } finally {
      ended.push(one)
    }
  }
  const seen: number[] = []
  await assert.rejects(async () => { for await (const piece of inOrder([0, 1, 2, 3], stream, 4)) seen.push(piece) }, /two/)
  assert.deepEqual(seen, [0, 0, 1, 1])
  await later(3)
  assert.deepEqual(ended.toSorted(), [0, 1, 2, 3])
  for await (const _ of inOrder([5, 6, 7], stream, 2)) break
  await later(3)
  assert.deepEqual(ended.slice(4).toSorted(), [5, 6])
})

test('sorted streams become one, in pieces of the asked size', async () => {
  const stream = async function * (...pieces: number[][]): AsyncGenerator<readonly number[]> { yield * pieces }
  assert.deepEqual(await list(merged([stream([1, 4], [], [9]), stream(), stream([2, 3, 10])], (a, b) => a - b, 4)), [[1, 2, 3, 4], [9, 10]])
})
