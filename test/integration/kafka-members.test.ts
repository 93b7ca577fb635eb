import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { LogPort } from '../../pipelines/core/ports.ts'
import { bootstrapServers, kafkaLog, noKafka } from '../contract/kafka-cluster.ts'
import { batchOf, valuesIn } from '../contract/log.ts'

const worker = fileURLToPath(new URL('../kit/kafka-echo.ts', import.meta.url))
const partitions = 6
const sessionMs = 6_000
const slow = process.env.MILLRACE_SLOW !== undefined
const pause = (ms: number) => new Promise(resolve => { setTimeout(resolve, ms) })
const seconds = (ms: number) => `${(ms / 1_000).toFixed(2)} s`

async function until (what: string, isSo: () => Promise<boolean> | boolean, withinMs = 30_000): Promise<number> {
  const began = performance.now()
  for (; !await isSo();) {
    assert(performance.now() - began < withinMs, `${what}, within ${seconds(withinMs)}`)
    await pause(10)
  }
  return performance.now() - began
}

/** A worker process and what it says. */
class Worker {
  readonly child: ChildProcess
  readonly said: string[] = []
  has: readonly number[] = []

  constructor (servers: string, prefix: string, member: string, properties: readonly string[] = []) {
    this.child = spawn(process.execPath, [worker, servers, prefix, member, ...properties], { stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface({ input: this.child.stdout! }).on('line', line => {
      this.said.push(line)
      if (line.startsWith('has ')) this.has = line.slice(4).split(',').filter(part => part !== '').map(Number)
      if (line.startsWith('lost ')) this.has = []
    })
  }

  async end (signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exit = once(this.child, 'exit')
      this.child.kill(signal)
      await exit
    }
    return this.child.exitCode
  }
}

/** Topics, a feeder that never stops, workers; at the end every record must be there once, in its place. */
class Group {
  readonly log: LogPort
  readonly #prefix: string
  readonly #servers: string
  readonly #finish: () => Promise<void>
  readonly #written: string[][] = Array.from({ length: partitions }, () => [])
  readonly workers: Worker[] = []
  #feeding: Promise<void> = Promise.resolve()
  #over = false

  private constructor (parts: { readonly log: LogPort, readonly prefix: string, readonly servers: string, readonly finish: () => Promise<void> }) {
    this.log = parts.log
    this.#prefix = parts.prefix
    this.#servers = parts.servers
    this.#finish = parts.finish
  }

  static async run (body: (group: Group) => Promise<void>): Promise<void> {
    const { log, prefix, finish } = await kafkaLog()
    const group = new Group({ log, prefix, finish, servers: await bootstrapServers() })
    try {
      for (const name of ['in', 'out']) await log.createTopic({ name, partitions, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })
      await body(group)
      await group.#check()
    } finally {
      group.#over = true
      await group.#feeding
      for (const one of group.workers) await one.end('SIGKILL')
      await group.#finish()
    }
  }

  /** A few records at a time, so that every partition always has something new. */
  feed (everyMs: number): void {
    this.#feeding = (async () => {
      for (let number = 0; !this.#over; number += 1) {
        await this.write(number % partitions, Array.from({ length: 1 + number % 5 }, (_, at) => `${number}.${at}`))
        await pause(everyMs)
      }
    })()
  }

  async write (partition: number, values: readonly string[]): Promise<void> {
    await this.log.append('in', partition, batchOf(values))
    this.#written[partition]!.push(...values)
  }

  start (member: string, properties: readonly string[] = []): Worker {
    const started = new Worker(this.#servers, this.#prefix, member, properties)
    this.workers.push(started)
    return started
  }

  /** Until these have everything, and as even as it goes. */
  async shared (...workers: readonly Worker[]): Promise<number> {
    return until(`${partitions} partitions are shared by ${workers.length}`, () => {
      const shares = workers.map(({ has }) => has.length)
      return workers.flatMap(({ has }) => has).sort().join() === Array.from({ length: partitions }, (_, at) => at).join() && Math.max(...shares) - Math.min(...shares) <= 1
    })
  }

  async ends (topic = 'out'): Promise<readonly number[]> { return Promise.all(Array.from({ length: partitions }, async (_, partition) => (await this.log.range(topic, partition)).end)) }

  async #check (): Promise<void> {
    this.#over = true
    await this.#feeding
    const ends = await this.ends('in')
    await until('all is copied', async () => (await Promise.all(ends.map(async (end, partition) => (await this.log.committed('echo', 'in', partition))?.offset === end))).every(Boolean), 60_000)
    for (const one of this.workers) await one.end('SIGKILL')
    for (let partition = 0; partition < partitions; partition += 1) assert.deepEqual(await valuesIn(this.log, 'out', partition), this.#written[partition], `partition ${partition}`)
    console.log(`  ${this.#written.flat().length} records, each once and in its place`)
  }
}

const scenario = (behaviour: string, body: (group: Group) => Promise<void>) => test(`kafka members: ${behaviour}`, { skip: noKafka ?? false }, () => Group.run(body))

scenario('a worker that is killed and started again under its name goes on at once, and the others keep what they have', async group => {
  group.feed(5)
  const other = group.start('b')
  let killed = group.start('a')
  await group.shared(killed, other)
  const [share, kept] = [killed.has, other.has]
  const tookMs: number[] = []
  for (let round = 0; round < (slow ? 40 : 8); round += 1) {
    await pause(200)
    await killed.end('SIGKILL')
    const before = await group.ends()
    const began = performance.now()
    killed = group.start('a')
    await until('it copies again', async () => (await group.log.range('out', share[0]!)).end > before[share[0]!]! + 1)
    tookMs.push(performance.now() - began)
  }
  // What it copies may still be the last of the one before it: it says what it has a moment later.
  await until('it has the share of the one that was killed', () => killed.has.join() === share.join())
  assert.deepEqual(other.has, kept)
  assert.equal(other.said.filter(line => line.startsWith('has')).at(-1), `has ${kept.join()}`)
  tookMs.sort((a, b) => a - b)
  console.log(`  from starting the process to its first copy: median ${seconds(tookMs[tookMs.length >> 1]!)}, worst ${seconds(tookMs.at(-1)!)} of ${tookMs.length}`)
})

scenario('what a killed worker had goes to another when its session is over', async group => {
  group.feed(5)
  const workers = ['a', 'b', 'c'].map(member => group.start(member))
  await group.shared(...workers)
  const [killed, ...others] = workers as [Worker, Worker, Worker]
  const [lost] = killed.has
  await killed.end('SIGKILL')
  const began = performance.now()
  const { end } = await group.log.range('out', lost!)
  await until('its partitions are copied by another', async () => (await group.log.range('out', lost!)).end > end + 1)
  const tookMs = performance.now() - began
  await group.shared(...others)
  console.log(`  from the kill to the first copy by another: ${seconds(tookMs)}, with a session of ${seconds(sessionMs)}`)
})

//  a: ──▶ stopped ·············· ▶ lets go, joins again
//  b: ──▶ ──▶ ── takes over ──▶ ──▶ shares again
scenario('a worker that is stopped past its session and goes on later commits nothing, and is back soon', async group => {
  group.feed(5)
  const [zombie, peer] = [group.start('a'), group.start('b')]
  await group.shared(zombie, peer)
  zombie.child.kill('SIGSTOP')
  await until('the peer has everything', () => peer.has.length === partitions)
  await pause(500)
  const began = performance.now()
  zombie.child.kill('SIGCONT')
  await until('it knows', () => zombie.said.some(line => line.startsWith('lost')))
  const toldMs = performance.now() - began
  await group.shared(zombie, peer)
  console.log(`  ${zombie.said.filter(line => line.startsWith('lost')).join()} after ${seconds(toldMs)}, its share again after ${seconds(performance.now() - began)}`)
})

scenario('a worker that computes for longer than its session stays a member', async group => {
  group.feed(20)
  const [busy, peer] = [group.start('a'), group.start('b')]
  await group.shared(busy, peer)
  const kept = busy.has
  const [before, told] = [await group.ends(), peer.said.length]
  busy.child.kill('SIGUSR2')
  await pause(sessionMs + 2_000)
  assert.equal((await group.log.range('out', kept[0]!)).end - before[kept[0]!]! < 40, true, 'it does compute')
  await until('it goes on', async () => (await group.log.range('out', kept[0]!)).end > before[kept[0]!]! + 60)
  assert.deepEqual([busy.has, peer.said.length, busy.said.some(line => line.startsWith('lost'))], [kept, told, false])
})

scenario('a worker that is told to end finishes what is under way, and one that is not to come back gives its share away at once', async group => {
  group.feed(5)
  const [leaving, staying, peer] = [group.start('a', ['leave.group.on.close=true']), group.start('b'), group.start('c')]
  await group.shared(leaving, staying, peer)
  assert.equal(await leaving.end('SIGTERM'), 0)
  console.log(`  its share is with the others after ${seconds(await group.shared(staying, peer))}`)
  const kept = peer.has
  assert.equal(await staying.end('SIGTERM'), 0)
  const again = group.start('b')
  await group.shared(again, peer)
  assert.deepEqual(peer.has, kept)
})

scenario('members that join and leave every two seconds lose nothing and double nothing, and work goes on', async group => {
  await Promise.all(Array.from({ length: partitions }, async (_, partition) => { for (let number = 0; number < (slow ? 6_000 : 1_000); number += 1) await group.write(partition, Array.from({ length: 20 }, (_, at) => `${number}.${at} ${'-'.repeat(40)}`)) }))
  const copied = async () => (await group.ends()).reduce((sum, end) => sum + end, 0)
  const steady = [group.start('a'), group.start('b')]
  await group.shared(...steady)
  const rate = async (ms: number, meanwhile: () => Promise<void>) => {
    const [began, before] = [performance.now(), await copied()]
    await Promise.all([pause(ms), meanwhile()])
    return (await copied() - before) / (performance.now() - began) * 1_000
  }
  const calm = await rate(2_000, async () => {})
  const storm = await rate(slow ? 60_000 : 8_000, async () => {
    for (let turn = 0; turn < (slow ? 15 : 2); turn += 1) {
      const passing = group.start(`s${turn}`, ['leave.group.on.close=true'])
      await pause(2_000)
      await passing.end(turn % 2 === 0 ? 'SIGTERM' : 'SIGKILL')
      await pause(2_000)
    }
  })
  console.log(`  ${calm.toFixed(0)} records/s in the calm, ${storm.toFixed(0)} in the storm: ${(storm / calm * 100).toFixed(0)} %`)
})
