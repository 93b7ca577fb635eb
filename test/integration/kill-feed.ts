import type { LogPort, RegistryPort } from '../../pipelines/core/ports.ts'
import { type Headers, RecordBatchWriter } from '../../pipelines/core/record-batch.ts'
import { createEncoder } from '../../pipelines/decode/encode.ts'
import { deviceAvro, partitions, readingAvro } from './kill-pipeline.ts'

const text = new TextEncoder()
const readingsABatch = 40

export interface FeedOptions {
  /** Every hundredth reading cannot be read, each time for another reason. */
  readonly poison?: boolean
  readonly pauseMs?: number
}

/** Readings of some devices and what becomes of the table they are looked up in, from where the log ends, until `signal` aborts. */
export async function feed ({ log, registry }: { readonly log: LogPort, readonly registry: RegistryPort }, signal: AbortSignal, { poison = false, pauseMs = 8 }: FeedOptions = {}): Promise<void> {
  const encode = createEncoder(readingAvro, await registry.register('killed.readings-value', readingAvro))
  const encodeDevice = createEncoder(deviceAvro, await registry.register('killed.devices-value', deviceAvro))
  for (let turn = 0; !signal.aborted; turn += 1) {
    for (let partition = 0; partition < partitions; partition += 1) {
      const { end } = await log.range('killed.readings', partition)
      const writer = new RecordBatchWriter()
      for (let n = end; n < end + readingsABatch; n += 1) {
        const id = `d${partition}${n % 7}`
        const behind = n % 23 === 0 ? 400 : n % 11
        // Every 13th is sent twice, every 31st is from a clock far ahead, every 37th cannot be read.
        const value = encode({ id, ts: Date.now() + (n % 31 === 0 ? 60_000 : -behind), seq: n % 13 === 0 ? n - 1 : n, celsius: n % 17 === 0 ? null : 8 + 6 * Math.sin((n / 60) + (n % 7)) })
        if (poison && n % 100 === 50) writer.append(0, text.encode(id), ...poisoned(value, Math.floor(n / 100)))
        else writer.append(0, text.encode(id), n % 37 === 0 ? value.subarray(0, value.length - 3) : value)
      }
      await log.append('killed.readings', partition, writer.finish())
    }
    if (turn % 5 === 0) {
      const device = `d${turn % 2}${turn % 9}`
      const writer = new RecordBatchWriter()
      writer.append(0, text.encode(device), turn % 15 === 0 ? null : encodeDevice({ device, max: 6 + (turn % 4) }))
      await log.append('killed.devices', 0, writer.finish())
    }
    await new Promise(resolve => { setTimeout(resolve, turn % 40 === 39 ? 600 : pauseMs) })
  }
}

/** Reliability F12: what a stream may hold that is no reading; `kind` counts through the list. */
export function poisoned (good: Uint8Array, kind: number): [value: Uint8Array | null, headers?: Headers] {
  const id = good.subarray(0, 5)
  const withId = (number: number) => { const bytes = good.slice(); new DataView(bytes.buffer).setInt32(1, number); return bytes }
  const after = (...bytes: readonly number[]) => Uint8Array.from([...id, ...bytes])
  const huge = () => { const bytes = new Uint8Array(9 + (1 << 20)).fill(0x61); bytes.set(after(0x80, 0x80, 0x80, 0x01)); return bytes }
  const kinds: readonly (() => [Uint8Array | null, Headers?])[] = [
    () => [new Uint8Array(0)],
    () => [null],
    () => [good.slice(0, 1 + kind % 4)],
    () => [Uint8Array.from([7, ...good.subarray(1)])],
    () => [withId(0)],
    () => [withId(-1)],
    () => [withId(2 ** 31 - 1)],
    () => [good.slice(0, 8)],
    () => [Uint8Array.from([...good, 1, 2, 3])],
    () => [after(...Array.from({ length: 12 }, () => 0xff))],
    () => [after(0x01, 0x41)],
    () => [after(0x80, 0x94, 0xeb, 0xdc, 0x07, 0x41)],
    () => [after(0x04, 0xff, 0xfe, 0x02, 0x02, 0x00)],
    () => [Uint8Array.from([...good.subarray(0, good.length - 9), 0x63, 0, 0, 0, 0, 0, 0, 0, 0])],
    () => [text.encode('{"id":"d1","ts":1,"seq":1,"celsius":1}')],
    () => [huge()],
    () => [good, Array.from({ length: 10_000 }, (_, number) => [`h${number}`, null] as const)],
  ]
  return kinds[kind % kinds.length]!()
}
