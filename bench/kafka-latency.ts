import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { controlEventCodec } from '../schemas/control-event.ts'
import { type Cluster, sleep, startCluster, type Subject } from './kafka/cluster.ts'
import { Load } from './kafka/load.ts'
import { report } from './kit.ts'

/**
 * B4: an alert on a reading through real Kafka: from the call that appends the reading to the control event in the hands of a reader of another
 * client (kafkajs), in an open loop at 1 k and 10 k readings a second, an event for every reading.
 *
 * Kafka Streams, exactly_once_v2, passes each reading on, at its defaults and with commits every 10 ms. Every run is warmed alike and then measured;
 * every event must come, once, in the order of its key. Express is read uncommitted, everything else committed.
 */
const warmMs = Number(process.env.MILLRACE_BENCH_WARM_MS ?? 6_000)
const measureMs = Number(process.env.MILLRACE_BENCH_MEASURE_MS ?? 12_000)
const only = process.env.MILLRACE_BENCH_ONLY

interface Case { readonly name: string, readonly partitions: number, readonly rate: number, readonly subject: 'exactly-once' | 'express' | 'streams default' | 'streams tuned', readonly goalMs?: number }
const cases: readonly Case[] = [1_000, 10_000].flatMap(rate => [
  { name: `${rate / 1_000} k readings/s, 4 partitions`, partitions: 4, rate, subject: 'streams default' as const },
  { name: `${rate / 1_000} k readings/s, 4 partitions`, partitions: 4, rate, subject: 'streams tuned' as const },
  { name: `${rate / 1_000} k readings/s, 4 partitions`, partitions: 4, rate, subject: 'exactly-once' as const, goalMs: 30 },
  { name: `${rate / 1_000} k readings/s, 4 partitions`, partitions: 4, rate, subject: 'express' as const, goalMs: 10 },
  ...[16, 64].map(partitions => ({ name: `${rate / 1_000} k readings/s, ${partitions} partitions`, partitions, rate, subject: 'exactly-once' as const, goalMs: 50 })),
])
const wanted = cases.filter(({ subject, rate, partitions }) => only === undefined || only.split(',').some(one => `${subject} ${rate} ${partitions}`.startsWith(one)))

const cluster = await startCluster()
try {
  const peers = new Map<string, Quantiles>()
  for (const [turn, one] of wanted.entries()) {
    const quantiles = await measured(cluster, one, `lat${turn}.`)
    if (one.subject.startsWith('streams')) peers.set(`${one.subject} ${one.name}`, quantiles)
    else tell(one, quantiles, peers)
  }
} finally {
  await cluster.stop()
}

interface Quantiles { readonly p50: number, readonly p99: number, readonly p999: number, readonly most: number, readonly cpuShare: number, readonly load: number }

function tell ({ name, subject, goalMs }: Case, { p50, p99, cpuShare, load }: Quantiles, peers: ReadonlyMap<string, Quantiles>): void {
  const what = `Kafka: ${name}, ${subject}`
  for (const settings of ['default', 'tuned']) {
    const peer = peers.get(`streams ${settings} ${name}`)
    if (peer !== undefined) report({ id: 'B4', what: `${what}: p99 beside the peer, ${settings}`, value: p99, unit: 'ms', peer: { name: `Kafka Streams, ${settings}, exactly once`, value: peer.p99 } })
  }
  report({ id: 'B4', what: `${what}: p99 (load average ${load.toFixed(1)}; ${(cpuShare * 100).toFixed(0)} % of a core)`, value: p99, unit: 'ms', ...goalMs !== undefined && { goal: `<= ${goalMs} ms`, met: p99 <= goalMs } })
  report({ id: 'B4-p50', what: `${what}: p50`, value: p50, unit: 'ms' })
}

async function measured (cluster: Cluster, { name, partitions, rate, subject }: Case, prefix: string): Promise<Quantiles> {
  const log = await cluster.open(prefix)
  await log.createTopic({ name: 'readings', partitions, cleanup: 'delete', retentionMs: null, timestamps: 'LogAppendTime' })
  await log.createTopic({ name: 'control', partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })
  const running = start(cluster, subject, prefix)
  const load = new Load({ servers: cluster.servers, input: `${prefix}readings`, output: `${prefix}control`, partitions, rate, uncommitted: subject === 'express', sentAt: subject.startsWith('streams') ? ofReading : ofEvent })
  try {
    await running.ready
    await load.open()
    await load.run(warmMs)
    load.forget()
    const before = running.usage()
    await load.run(measureMs)
    const cpuShare = (running.usage().cpuSeconds - before.cpuSeconds) / measureMs * 1e3
    await load.settle()
    const times = load.times.sort((a, b) => a - b)
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!
    const found = { p50: at(0.5), p99: at(0.99), p999: at(0.999), most: times.at(-1)!, cpuShare, load: loadavg()[0]! }
    console.log(`${subject}, ${name}: p50 ${found.p50.toFixed(1)} p90 ${at(0.9).toFixed(1)} p99 ${found.p99.toFixed(1)} p99.9 ${found.p999.toFixed(1)} max ${found.most.toFixed(1)} ms, ${times.length} events, ${(cpuShare * 100).toFixed(0)} % of a core, load ${found.load.toFixed(1)}`)
    return found
  } finally {
    await load.close()
    await running.stop()
    await sleep(200)
  }
}

function start (cluster: Cluster, subject: Case['subject'], prefix: string): Subject {
  if (subject.startsWith('streams')) return cluster.streams({ what: 'alerts', application: `${prefix}streams`, input: `${prefix}readings`, output: `${prefix}control`, settings: subject === 'streams tuned' ? 'tuned' : 'default' })
  const definition = `${cluster.folder}/${prefix}alerts.yaml`
  writeFileSync(definition, readFileSync(new URL('definitions/kafka-alerts.yaml', import.meta.url), 'utf8').replace('exactly-once', subject))
  copyFileSync(new URL('definitions/reading.avsc', import.meta.url), `${cluster.folder}/reading.avsc`)
  return cluster.millrace({ definition, prefix })
}

/** The reading's value is when it was sent. */
function ofReading (value: Buffer): number { return value.readDoubleLE(value.length - 9) }
function ofEvent (value: Buffer): number { return controlEventCodec.decode(value).values.value as number }
