import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { LogPort, Membership } from '../../pipelines/core/ports.ts'
import { batchHeaderBytes, readBatchHeader, records, RecordBatchWriter } from '../../pipelines/core/record-batch.ts'

/**
 * A worker that copies every record of its partitions of `in` to the same partitions of `out`, once. Run as a process of its own:
 * node kafka-echo.ts <bootstrap servers> <prefix> <member> [property=value ...]
 *
 * Shape: says `up` when it reads, `has 0,2` when its share is another, `lost <code>` when it joins again; SIGUSR2: its main thread computes for nine
 *        seconds; SIGTERM: it finishes what is under way and leaves
 */
const [, , servers, prefix, member, ...properties] = process.argv as unknown as readonly [string, string, string, string, string, ...string[]]
const computeMs = 9_000
const underWayMax = 4
const say = (line: string) => { process.stdout.write(`${line}\n`) }
const more = Object.fromEntries(properties.map(property => property.split('=') as [string, string]))
const log = await openKafkaLog({ ...kafkaSettings({ 'bootstrap.servers': servers, 'topic.prefix': prefix, 'session.timeout.ms': '6000', ...more }), clock: machineClock })
let stopping = false
process.on('SIGTERM', () => { stopping = true })
process.on('SIGUSR2', () => { for (const until = performance.now() + computeMs; performance.now() < until;) { /* a task that computes */ } })

while (!stopping) {
  try {
    await work(log, await log.join({ group: 'echo', member, topics: ['in'] }))
  } catch (error) {
    if (!(error instanceof StreamError) || error.action !== 'retry') throw error
    say(`lost ${error.code}`)
  }
}
await log.close()

interface Place { readonly partition: number, offset: number }

async function work (log: LogPort, membership: Membership): Promise<void> {
  const places = new Map<number, Place>()
  const writer = new RecordBatchWriter(batchHeaderBytes)
  const under: Promise<void>[] = []
  let told = ''
  try {
    for (let isUp = false; !stopping;) {
      await follow(log, membership, { places, under })
      const has = [...places.keys()].sort().join()
      if (!isUp) say('up')
      isUp = true
      if (has !== told) say(`has ${told = has}`)
      const all = [...places.values()]
      if (all.length === 0) { await machineClock.sleep(20); continue }
      const fetched = await Promise.all(all.map(({ partition, offset }) => log.fetch({ topic: 'in', partition, offset, bytesMax: 2_000, waitMs: 50 })))
      const appends: { topic: string, partition: number, bytes: Uint8Array }[] = []
      all.forEach((place, at) => {
        writer.reset()
        const { bytes } = fetched[at]!
        for (const { offset, timestamp, key, value } of records(bytes)) if (offset >= place.offset) writer.append(timestamp, key, value)
        for (let from = 0, header = readBatchHeader(bytes, 0); header !== null; from += header.bytes, header = readBatchHeader(bytes, from)) place.offset = header.baseOffset + header.lastOffsetDelta + 1
        if (writer.count > 0) appends.push({ topic: 'out', partition: place.partition, bytes: writer.finish().slice() })
      })
      if (appends.length === 0) continue
      const done = membership.commit({ appends, offsets: all.map(({ partition, offset }) => ({ topic: 'in', partition, offset, metadata: '' })) })
      done.catch(() => {})
      under.push(done)
      if (under.length >= underWayMax) await under.shift()
    }
    await Promise.all(under)
  } finally {
    await membership.leave()
  }
}

/** Take in what is new; finish and let go what is wanted back. */
async function follow (log: LogPort, membership: Membership, { places, under }: { readonly places: Map<number, Place>, readonly under: Promise<void>[] }): Promise<void> {
  const { revoked } = membership
  if (revoked.length > 0) {
    await Promise.all(under.splice(0))
    for (const { partition } of revoked) places.delete(partition)
    await membership.release()
  }
  for (const { topic, partition } of membership.assignments) {
    if (!places.has(partition)) places.set(partition, { partition, offset: (await log.committed('echo', topic, partition))?.offset ?? 0 })
  }
}
