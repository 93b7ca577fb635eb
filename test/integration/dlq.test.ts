import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openEmbedded } from '../../pipelines/cli/embedded.ts'
import { RecordBatchWriter } from '../../pipelines/core/record-batch.ts'
import { Command, millrace } from '../kit/cli.ts'
import { roomsFolder } from '../kit/rooms.ts'

const text = new TextEncoder()
const input = 'rooms'

/** A pipeline whose input holds good readings and poison, stopped once all of it is processed. */
async function poisoned () {
  const { folder, definition } = roomsFolder()
  const data = `${folder}/data`
  const first = new Command(['run', definition, '--data', data, '--partitions', '1'])
  await first.said(/Ctrl-C/)
  await first.interrupt()
  const { log, registry } = await openEmbedded(`${data}/rooms`)
  const subject = (await registry.subjects()).find(name => !/control|millrace/.test(name))
  const { id } = (await registry.latest(subject!))!
  const writer = new RecordBatchWriter()
  const framed = (id: number, ...bytes: readonly number[]) => Uint8Array.of(0, id >>> 24, id >>> 16 & 255, id >>> 8 & 255, id & 255, ...bytes)
  const good = framed(id, 2, 0x61, 0x80, 0x7d, 2, 0, 0, 0, 0, 0, 0, 0x10, 0x40)
  writer.append(0, text.encode('a'), good)
  writer.append(0, text.encode('a'), good.subarray(0, 9), [['traceparent', text.encode('00-7')], ['bytes', Uint8Array.of(0, 255)], ['null', null]])
  writer.append(0, Uint8Array.of(0xff, 0x00), Uint8Array.of(...good, 1))
  writer.append(0, null, text.encode('{"room": "a"}'))
  writer.append(0, text.encode('b'), null)
  await log.append(input, 0, writer.finish())
  await log.close()
  const second = new Command(['run', definition, '--data', data, '--for', '3s'])
  assert.equal((await second.done).status, 0, second.stderr)
  return { data, id, good }
}

test('dlq: every dead letter is listed with its facts, filtered, and shown with bytes, headers and value', { timeout: 60_000 }, async () => {
  const { data, id, good } = await poisoned()
  const ls = async (...args: readonly string[]) => {
    const { status, stdout, stderr } = await millrace(['dlq', 'ls', '--data', data, ...args])
    assert.equal(status, 0, stderr)
    return stdout
  }
  const all = JSON.parse(await ls('--output', 'json')) as readonly { partition: number, offset: number, reason: string, step: string, key: string | null, source: { topic: string, partition: number, offset: number }, bytes: number | null, schemaId: number | null, headers: readonly object[], arrival: string, message: string }[]
  assert.deepEqual(all.map(({ reason, source: { offset }, bytes }) => [reason, offset, bytes]), [['DECODE_TRUNCATED', 1, 9], ['DECODE_TRAILING', 2, good.length + 1], ['DECODE_WIRE_FORMAT', 3, 13], ['DECODE_VALUE_MISSING', 4, null]])
  const [truncated] = all
  assert.deepEqual([truncated!.step, truncated!.key, truncated!.source, truncated!.schemaId], ['decode', 'a', { topic: input, partition: 0, offset: 1 }, id])
  assert.deepEqual(truncated!.headers, [{ name: 'traceparent', value: 'MDAtNw==' }, { name: 'bytes', value: 'AP8=' }, { name: 'null', value: null }])
  const table = await ls()
  assert.match(table, /^AT +ARRIVED +STEP +REASON +KEY +SOURCE +SCHEMA +BYTES +MESSAGE\n0\/0 +20\S+Z +decode +DECODE_TRUNCATED +a +rooms\/0\/1 +\d+ +9 +Cannot/)
  assert.match(table, /0xff00/)

  const reasons = async (...args: readonly string[]) => (await ls('--output', 'ndjson', ...args)).split('\n').filter(Boolean).map(line => JSON.parse(line).source.offset)
  assert.deepEqual(await reasons(), [1, 2, 3, 4])
  assert.deepEqual(await reasons('--reason', 'DECODE_TRUNCATED'), [1])
  assert.deepEqual(await reasons('--reason', 'DECODE_TRUNCATED', 'DECODE_TRAILING'), [1, 2])
  assert.deepEqual(await reasons('--key', 'a'), [1])
  assert.deepEqual(await reasons('--key', '0xff00'), [2])
  assert.deepEqual(await reasons('--limit', '2'), [3, 4])
  assert.deepEqual(await reasons('--step', 'window'), [])
  assert.deepEqual(await reasons('--topic', 'elsewhere'), [])
  assert.deepEqual(await reasons('--from', '1h'), [1, 2, 3, 4])
  assert.deepEqual(await reasons('--to', '1h'), [])
  assert.deepEqual(await reasons('--from', '2'), [3, 4])

  const shown = await millrace(['dlq', 'show', '0/1', '--data', data])
  assert.equal(shown.status, 0, shown.stderr)
  for (const says of [/millrace\.rooms\.dead-letter\/0\/1/, /reason +DECODE_TRAILING/, /advice +\S/, /key +0xff00 +\(2 bytes\)/, /source +rooms\/0\/2/, /^00000000 {2}00 00 00 00 /m, /\|\.\.\.\.\.\.a/]) assert.match(shown.stdout, says)
  const first = JSON.parse((await millrace(['dlq', 'show', '0/0', '--data', data, '--output', 'json'])).stdout)
  assert.equal(first.value, Buffer.from(good.subarray(0, 9)).toString('base64'))
  assert.match(first.notDecoded, new RegExp(`schema ${id}`))

  for (const [args, status, says] of [
    [['dlq', 'show', '0/99', '--data', data], 65, /Cannot find a dead letter/], [['dlq', 'show', 'x', '--data', data], 64, /<partition>\/<offset>/], [['dlq', 'ls', '--data', data, '--pipeline', 'other'], 64, /there are rooms/],
    [['dlq', 'ls', '--data', data, '--step', 'nowhere'], 64, /Allowed choices/], [['dlq', 'ls', '--data', data, '--from', 'soon'], 64, /Cannot read the place/], [['dlq'], 64, /Usage: millrace dlq/],
  ] as const) {
    const refused = await millrace(args)
    assert.deepEqual([refused.status, refused.stdout], [status, ''], refused.stderr)
    assert.match(refused.stderr, says)
  }
})
