import { machineClock } from '../connectors/embedded/clock.ts'
import { cassandraEnvironment, cassandraSettings } from '../connectors/cassandra/config.ts'
import { openSession, type CassandraSession } from '../connectors/cassandra/session.ts'
import { kafkaSettings, openKafkaLog } from '../connectors/kafka/public.ts'
import { type Stack, startStack } from '../infra/local/stack.ts'
import { controlEventCodec } from '../schemas/control-event.ts'
import { sleep, subject } from './kafka/cluster.ts'
import { Load, now } from './kafka/load.ts'
import { report } from './kit.ts'
import { compareLake } from './outage/rows.ts'

/**
 * F7: a pipeline at 5,000 readings a second on real Kafka whose lake, a real Cassandra, is killed for five minutes, started again, and halted for 20 s.
 *
 * The same process all along; control events (one for every twentieth reading of a device) are read by another client (kafkajs). What is told: their p99 while
 * Cassandra is away beside their p99 before, memory of the process, how fast the lake catches up while the input goes on; and the lake is read back as a whole and compared with the
 * input. While Cassandra starts it takes the cores of a small machine from everybody else: that time and that of catching up stand apart.
 */
const seconds = (name: string, otherwise: number) => Number(process.env[`MILLRACE_BENCH_${name}_S`] ?? otherwise) * 1_000
const warmMs = seconds('WARM', 30)
const beforeMs = seconds('BEFORE', 60)
const awayMs = seconds('AWAY', 300)
const haltedMs = seconds('HALTED', 20)
const rate = Number(process.env.MILLRACE_BENCH_RATE ?? 5_000)
const [partitions, keysEach, changeEvery] = [4, 250, 20]
const prefix = 'out.'
const lookEveryMs = 250
const caughtUpSeconds = 1
const patienceMs = 600_000
const growthMax = 64 << 20

interface Look { readonly at: number, readonly residentBytes: number }
interface CatchUp { readonly answersAt: number, readonly movesAt: number, readonly endAt: number, readonly perSecond: number }

/** What is under test and what looks at it. */
class Bench {
  readonly #stack: Stack
  readonly #settings
  readonly load: Load
  readonly looks: Look[] = []

  constructor (stack: Stack, load: Load) {
    this.#stack = stack
    this.#settings = cassandraSettings(cassandraEnvironment(stack.environment))
    this.load = load
  }

  openSession (): Promise<CassandraSession> { return openSession(this.#settings) }

  /** Until the lake is less than a second behind the input, which goes on. */
  async caughtUp (): Promise<CatchUp> {
    const answersAt = now()
    const session = await this.openSession()
    const stored = async () => (await session.execute('SELECT topic, offset FROM outage.millrace_offsets WHERE pipeline = ?', ['outage'])).rows.reduce((sum, row) => sum + (row.topic === 'readings' ? Number(row.offset) : 0), 0)
    try {
      const first = await stored()
      let moved: { readonly at: number, readonly from: number } | null = null
      let last = first
      for (;;) {
        if (now() - answersAt > patienceMs) throw new Error(`wrong result: the lake has not caught up in ${patienceMs / 1_000} s: ${last} of ${this.load.sent}`)
        await sleep(lookEveryMs)
        const before = last
        last = await stored()
        // What was sent before it moved counts from there on.
        if (last > before) moved ??= { at: now() - lookEveryMs, from: before }
        if (moved !== null && this.load.sent - last < rate * caughtUpSeconds) return { answersAt, movesAt: moved.at, endAt: now(), perSecond: (last - moved.from) / (now() - moved.at) * 1_000 }
      }
    } finally {
      await session.close()
    }
  }

  residentMax (from: number, to: number): number { return Math.max(...this.looks.filter(({ at }) => at >= from && at < to).map(({ residentBytes }) => residentBytes)) }

  p99 (from: number, to: number): number {
    const times = this.load.timesBetween(from, to).sort((a, b) => a - b)
    if (times.length === 0) throw new Error('wrong result: no control event came')
    console.log(`  ${times.length} events, p50 ${times[times.length >> 1]!.toFixed(1)} p99 ${times[Math.floor(times.length * 0.99)]!.toFixed(1)} max ${times.at(-1)!.toFixed(1)} ms, memory ${mib(this.residentMax(from, to))}`)
    return times[Math.floor(times.length * 0.99)]!
  }

  get cassandra () { return this.#stack.cassandra! }
}

const mib = (bytes: number) => `${(bytes / (1 << 20)).toFixed(0)} MiB`

const stack = await startStack({ durable: true, kafkaHeapMiB: 1_024 })
try {
  await outage(stack)
} finally {
  await stack.stop()
}

async function outage (stack: Stack): Promise<void> {
  const log = await openKafkaLog({ ...kafkaSettings({ 'bootstrap.servers': stack.bootstrapServers, 'topic.prefix': prefix }), clock: machineClock })
  await log.createTopic({ name: 'readings', partitions, cleanup: 'delete', retentionMs: null, timestamps: 'LogAppendTime' })
  await log.createTopic({ name: 'control', partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })
  const definition = new URL('definitions/outage.yaml', import.meta.url).pathname
  const running = subject(process.execPath, [new URL('kafka/worker.ts', import.meta.url).pathname, definition, stack.bootstrapServers, stack.registry!.url, prefix], stack.environment)
  const load = new Load({ servers: stack.bootstrapServers, input: `${prefix}readings`, output: `${prefix}control`, partitions, rate, keysEach, changeEvery, everyMs: 5, uncommitted: false, sentAt: value => controlEventCodec.decode(value).values.value as number })
  const bench = new Bench(stack, load)
  const ended = new AbortController()
  let looking: NodeJS.Timeout | undefined
  try {
    await running.ready
    await load.open()
    const loading = load.run(Number.POSITIVE_INFINITY, ended.signal)
    looking = setInterval(() => { bench.looks.push({ at: now(), residentBytes: running.usage().residentBytes }) }, lookEveryMs)
    await faults(bench)
    ended.abort()
    await loading
    await load.settle()
    clearInterval(looking)
    // Ends once everything is stored.
    await running.stop()
    const session = await bench.openSession()
    const told = await compareLake(log, session.client, { topic: 'readings', partitions, keyspace: 'outage', events: load.events })
    await session.close()
    report({ id: 'F7.rows', what: `rows read back, each as it was sent, once (and ${told.windows} windows, ${told.alerts} alerts)`, value: told.rows, unit: 'rows', goal: `all ${load.sent}`, met: told.rows === load.sent })
  } finally {
    ended.abort()
    clearInterval(looking)
    await load.close()
    await running.stop()
    await log.close()
  }
}

async function faults (bench: Bench): Promise<void> {
  const { cassandra } = bench
  await sleep(warmMs)
  const from = now()
  await sleep(beforeMs)
  const killedAt = now()
  console.log('before')
  const before = bench.p99(from, killedAt)
  await cassandra.kill('SIGKILL')
  await sleep(awayMs)
  const startedAt = now()
  console.log(`killed for ${awayMs / 1_000} s`)
  tellDelay('killed', awayMs, { value: bench.p99(killedAt, startedAt), before })
  await cassandra.start()
  const back = await bench.caughtUp()
  const memory = bench.residentMax(from, killedAt)
  for (const [id, until, endAt] of [['F7.memory', 'while Cassandra is away', startedAt], ['F7.memory.all', 'until it has caught up', back.endAt]] as const) {
    const growth = bench.residentMax(killedAt, endAt) - memory
    report({ id, what: `memory of the process ${until}, beyond its most before (${mib(memory)})`, value: growth / (1 << 20), unit: 'MiB', goal: '<= 64 MiB', met: growth <= growthMax })
  }
  tellCatchUp('killed', awayMs, back)
  console.log('while Cassandra starts')
  report({ id: 'F7.starting', what: 'control events while Cassandra starts beside them: p99', value: bench.p99(startedAt, back.answersAt), unit: 'ms', peer: { name: 'before', value: before } })
  console.log('while the lake catches up')
  report({ id: 'F7.catching-up', what: 'control events while the lake catches up: p99', value: bench.p99(back.answersAt, back.endAt), unit: 'ms', peer: { name: 'before', value: before } })
  const afterAt = now()
  await sleep(beforeMs)
  const haltedAt = now()
  console.log('after')
  const after = bench.p99(afterAt, haltedAt)
  report({ id: 'F7.after', what: 'control events once it has caught up: p99', value: after, unit: 'ms', peer: { name: 'before', value: before }, goal: '<= 1.1x', met: after <= before * 1.1 })
  await cassandra.kill('SIGSTOP')
  await sleep(haltedMs)
  const goesOnAt = now()
  console.log(`halted for ${haltedMs / 1_000} s`)
  tellDelay('halted', haltedMs, { value: bench.p99(haltedAt, goesOnAt), before })
  await cassandra.kill('SIGCONT')
  tellCatchUp('halted', haltedMs, await bench.caughtUp())
}

function tellDelay (how: 'killed' | 'halted', ms: number, { value, before }: { readonly value: number, readonly before: number }): void {
  report({ id: `F7.${how}`, what: `control events while Cassandra is ${how} for ${ms / 1_000} s: p99`, value, unit: 'ms', peer: { name: 'before', value: before }, goal: '<= 1.1x', met: value <= before * 1.1 })
}

function tellCatchUp (how: 'killed' | 'halted', ms: number, { answersAt, movesAt, endAt, perSecond }: CatchUp): void {
  report({ id: `F7.${how}.rate`, what: `readings stored behind ${ms / 1_000} s without Cassandra (${how}), the input going on, in ${((endAt - movesAt) / 1_000).toFixed(0)} s`, value: perSecond / rate, unit: 'x the input', goal: '>= 2x', met: perSecond >= rate * 2 })
  report({ id: `F7.${how}.first`, what: 'from when it answers to the first rows that are stored', value: Math.max(0, movesAt - answersAt) / 1_000, unit: 's' })
}
