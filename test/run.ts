import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { lacking, startStack } from '../infra/local/stack.ts'

/** In the order in which they run: what fails first should be what is cheapest to look at. */
const tiers = ['fast', 'integration', 'services'] as const
type Tier = typeof tiers[number]

const slow = process.env.MILLRACE_SLOW === '1'
const testTimeoutMs = slow ? 3_600_000 : 600_000
/** Beyond the timeout of a test something hangs that no test waits for: an open handle, a child. */
const silenceMsMax = testTimeoutMs + 120_000
const concurrencyMax = 2
/** Of kafkajs, with every request. */
const noise = '--disable-warning=TimeoutNegativeWarning'

function tierOf (file: string): Tier {
  const folder = file.split('/')[1]!
  if (/^(contract|integration)$/.test(folder) && /^(kafka|cassandra|stack)/.test(basename(file))) return 'services'
  return folder === 'integration' ? 'integration' : 'fast'
}

type Stop = () => Promise<void>
const nothing: Stop = async () => {}

/** A Kafka for all files, in MILLRACE_TEST_KAFKA: each takes names of its own there. Those that kill brokers start theirs. */
async function sharedKafka (): Promise<Stop> {
  const given = process.env.KAFKA_BOOTSTRAP_SERVERS
  if (given !== undefined) {
    console.log(`Kafka at KAFKA_BOOTSTRAP_SERVERS=${given}`)
    return nothing
  }
  const missing = await lacking({ cassandra: false })
  if (missing !== null) {
    console.log(`Tests on Kafka are skipped. ${missing}; or give a Kafka in KAFKA_BOOTSTRAP_SERVERS`)
    return nothing
  }
  const stack = await startStack({ cassandra: false, registry: false })
  process.env.MILLRACE_TEST_KAFKA = stack.bootstrapServers
  console.log(`Kafka of the local stack at ${stack.bootstrapServers}`)
  return () => stack.stop()
}

/** A Cassandra for all files, in MILLRACE_TEST_CASSANDRA: each takes a keyspace of its own there. */
async function sharedCassandra (): Promise<Stop> {
  const given = process.env.CASSANDRA_CONTACT_POINTS
  if (given !== undefined) {
    console.log(`Cassandra at CASSANDRA_CONTACT_POINTS=${given}`)
    return nothing
  }
  const missing = await lacking({ cassandra: true })
  if (missing !== null) {
    console.log(`Tests on Cassandra are skipped. ${missing}; or give a Cassandra in CASSANDRA_CONTACT_POINTS`)
    return nothing
  }
  const stack = await startStack({ kafka: false, registry: false })
  const { CASSANDRA_CONTACT_POINTS: points } = stack.environment
  process.env.MILLRACE_TEST_CASSANDRA = points
  console.log(`Cassandra of the local stack at ${points}`)
  return () => stack.stop()
}

/** What is there of them, also when one of them does not come up. */
async function sharedServices (): Promise<Stop> {
  const started = await Promise.allSettled([sharedKafka(), sharedCassandra()])
  const stop = async () => { await Promise.all(started.map(one => one.status === 'fulfilled' ? one.value() : null)) }
  for (const one of started) {
    if (one.status === 'fulfilled') continue
    await stop()
    throw one.reason
  }
  return stop
}

/**
 * Run the test files of some tiers (all when none is named) under one runner, with one summary at the end. Real services are given ones, else the local
 * stack, else their tests say what is missing.
 *
 * Usage:  node test/run.ts [fast] [integration] [services]
 * Limits: a test takes ten minutes at most, an hour with MILLRACE_SLOW=1; a file in which nothing happens for longer is ended, and with it the run
 */
async function main (asked: readonly string[]): Promise<void> {
  for (const tier of asked) if (!tiers.some(known => known === tier)) throw new Error(`There is no tier ${tier}: ${tiers.join(', ')}`)
  const wanted = tiers.filter(tier => asked.length === 0 || asked.includes(tier))
  const all = globSync('test/**/*.test.ts').sort()
  const files = wanted.flatMap(tier => all.filter(file => tierOf(file) === tier))
  const stop = wanted.includes('services') ? await sharedServices() : nothing
  try {
    await runFiles(files)
  } finally {
    await stop()
  }
}

async function runFiles (files: readonly string[]): Promise<void> {
  const hanging = new AbortController()
  const concurrency = Math.max(1, Math.min(concurrencyMax, availableParallelism() - 1))
  const execArgv = [`--test-timeout=${testTimeoutMs}`, noise]
  const tests = run({ files, concurrency, signal: hanging.signal, execArgv })
  const running = new Set<string>()
  let silence: NodeJS.Timeout | undefined
  const heard = () => {
    clearTimeout(silence)
    silence = setTimeout(() => {
      console.error(`Nothing was heard for ${silenceMsMax / 60_000} minutes from ${[...running].join(', ')}`)
      hanging.abort()
    }, silenceMsMax)
  }
  heard()
  tests.on('test:dequeue', ({ name, nesting }) => { if (nesting === 0 && files.includes(name)) running.add(name) })
  tests.on('test:complete', ({ name, nesting }) => { if (nesting === 0) running.delete(name) })
  tests.on('test:pass', heard).on('test:fail', () => { heard(); process.exitCode = 1 }).on('test:stdout', heard)
  const shown = tests.compose(spec())
  shown.pipe(process.stdout)
  await new Promise((done, failed) => { shown.on('end', done).on('error', failed) })
  clearTimeout(silence)
}

await main(process.argv.slice(2))
