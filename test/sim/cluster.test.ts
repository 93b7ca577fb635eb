import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Life, type LifeOptions } from './cluster-life.ts'
import { Tally } from './tally.ts'

const isSlow = process.env.MILLRACE_SLOW === '1'
const seedFirst = Number(process.env.SEED ?? 1)
const seedsGiven = process.env.SEEDS === undefined ? null : Number(process.env.SEEDS)

async function live (seed: number, options: LifeOptions): Promise<Life> {
  const life = new Life(seed, options)
  try {
    await life.live()
    return life
  } catch (error) {
    throw new Error(`SEED=${seed} SEEDS=1 finds it again`, { cause: error })
  }
}

async function many (seeds: number, options: LifeOptions): Promise<Tally> {
  const all = new Tally()
  for (let seed = seedFirst; seed < seedFirst + (seedsGiven ?? seeds); seed += 1) all.add((await live(seed, options)).world.tally)
  if (seedsGiven !== null || isSlow) console.log(all.toString())
  return all
}

test('two workers: of every record one echo, one least and one sum, through crashes, zombies, rebalances and lost answers', async () => {
  const tally = await many(isSlow ? 500 : 3, { workers: 2, steps: 60, relation: true })
  assert(seedsGiven !== null || tally.crashCount > (isSlow ? 5_000 : 20), `${tally.crashCount} crashes`)
})

test('three workers: every output stands on its topic once and in order, through crashes, zombies, rebalances and lost answers', async () => {
  await many(isSlow ? 200 : 1, { workers: 3, steps: 60, relation: false })
})

test('a seed replays exactly', async () => {
  const [first, second] = [await live(seedFirst, { workers: 2, steps: 20, relation: true }), await live(seedFirst, { workers: 2, steps: 20, relation: true })]
  assert.equal(first.world.trace.hash, second.world.trace.hash)
})
