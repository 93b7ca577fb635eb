import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Life, type LifeOptions, places } from './cluster-life.ts'
import { Tally } from './tally.ts'

/** Lives of workers of one group on brokers in memory: see README.md. */
const isSlow = process.env.MILLRACE_SLOW === '1'
const seedFirst = Number(process.env.SEED ?? 1)
const seedsGiven = process.env.SEEDS === undefined ? null : Number(process.env.SEEDS)
const all = new Tally()

async function live (seed: number, options: LifeOptions): Promise<Life> {
  const life = new Life(seed, options)
  try {
    await life.live()
    return life
  } catch (error) {
    throw new Error(`SEED=${seed} SEEDS=1 finds it again`, { cause: error })
  }
}

function lives (what: string, { fast, slow, ...options }: LifeOptions & { readonly fast: number, readonly slow: number }): void {
  test(what, { skip: (isSlow ? slow : fast) === 0 && seedsGiven === null }, async () => {
    const tally = new Tally()
    for (let seed = seedFirst; seed < seedFirst + (seedsGiven ?? (isSlow ? slow : fast)); seed += 1) tally.add((await live(seed, options)).world.tally)
    if (seedsGiven !== null) console.log(tally.toString())
    all.add(tally)
  })
}

lives('two workers: of every record one echo, one least and one sum, through crashes, zombies, rebalances and lost answers', { workers: 2, steps: 60, relation: true, fast: 3, slow: 420 })
lives('four workers: the same', { workers: 4, steps: 60, relation: true, fast: 0, slow: 120 })
lives('three workers: every output stands on its topic once and in order, through crashes, zombies, rebalances and lost answers', { workers: 3, steps: 60, relation: false, fast: 1, slow: 140 })
lives('two workers of a long life: the same', { workers: 2, steps: 250, relation: false, fast: 0, slow: 20 })

test('those lives saw ten thousand crashes, at every place there is', { skip: !isSlow || seedsGiven !== null }, () => {
  console.log(all.toString())
  assert(all.crashCount >= 10_000, `${all.crashCount} crashes`)
  // Ticks need a silence, which is rare in such lives.
  assert.deepEqual(places.filter(place => !all.crashes.has(place) && !place.startsWith('tick.')), [], 'places at which nobody died')
})

test('a seed replays exactly', async () => {
  for (const relation of [true, false]) {
    const options: LifeOptions = { workers: 2, steps: 15, relation }
    const [first, second] = [await live(seedFirst, options), await live(seedFirst, options)]
    assert.equal(first.world.trace.hash, second.world.trace.hash)
  }
})
