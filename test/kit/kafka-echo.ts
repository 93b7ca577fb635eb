import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import { batchHeaderBytes, readBatchHeader, records, RecordBatchWriter } from '../../pipelines/core/record-batch.ts'

/**
 * A worker that copies every record of `in` to the same partition of `out`, once, until it is killed. Run as a process of its own:
 * node kafka-echo.ts <bootstrap servers> <prefix> <member>
 */
const [, , servers, prefix, member] = process.argv as unknown as readonly [string, string, string, string, string]
const log = await openKafkaLog({ ...kafkaSettings({ 'bootstrap.servers': servers, 'topic.prefix': prefix, 'session.timeout.ms': '6000' }), clock: machineClock })
const membership = await log.join({ group: 'echo', member, topics: ['in'] })
const places = await Promise.all(membership.assignments.map(async ({ topic, partition }) => ({ topic, partition, offset: (await log.committed('echo', topic, partition))?.offset ?? 0 })))
process.stdout.write('up\n')
const writer = new RecordBatchWriter(batchHeaderBytes)
const under: Promise<void>[] = []
for (;;) {
  const fetched = await Promise.all(places.map(({ topic, partition, offset }) => log.fetch({ topic, partition, offset, bytesMax: 2_000, waitMs: 50 })))
  const appends: { topic: string, partition: number, bytes: Uint8Array }[] = []
  places.forEach((place, at) => {
    writer.reset()
    const { bytes } = fetched[at]!
    for (const { offset, timestamp, key, value } of records(bytes)) if (offset >= place.offset) writer.append(timestamp, key, value)
    for (let from = 0, header = readBatchHeader(bytes, 0); header !== null; from += header.bytes, header = readBatchHeader(bytes, from)) place.offset = header.baseOffset + header.lastOffsetDelta + 1
    if (writer.count > 0) appends.push({ topic: 'out', partition: place.partition, bytes: writer.finish().slice() })
  })
  if (appends.length === 0) continue
  under.push(membership.commit({ appends, offsets: places.map(({ topic, partition, offset }) => ({ topic, partition, offset, metadata: '' })) }))
  if (under.length >= 4) await under.shift()
}
