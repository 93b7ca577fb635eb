import { createRequire } from 'node:module'
import { decodePage } from '../connectors/cassandra/page.ts'
import type { CqlType } from '../connectors/cassandra/table.ts'
import { report } from './kit.ts'

/** A page of a device's windows, as Cassandra sends it, into typed arrays, and into the driver's row objects; CPU of a row, the best of five turns. */
const require = createRequire(import.meta.url)
const { Parser, ResultEmitter } = require('cassandra-driver/lib/streams.js')
const Encoder = require('cassandra-driver/lib/encoder.js')
const { FrameReader } = require('cassandra-driver/lib/readers.js')
const types: readonly CqlType[] = ['text', 'timestamp', 'timestamp', 'double', 'double', 'int', 'boolean', 'double', 'double']
const codes: Readonly<Record<string, number>> = { text: 13, timestamp: 11, double: 7, int: 9, boolean: 4 }
const rows = 720
const pages = 300
const page = pageOf()

let [raw, objects] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
for (let turn = 0; turn < 6; turn += 1) {
  const [one, other] = [await cpuOf(async () => { for (let index = 0; index < pages; index += 1) decodePage({ bytes: page, offset: 4, count: rows }, types) }), await cpuOf(byDriver)]
  if (turn > 0) [raw, objects] = [Math.min(raw, one), Math.min(objects, other)]
}
report({ id: 'lake.decode', what: 'a row of nine cells out of a page of Cassandra', value: raw, unit: 'us of CPU', peer: { name: 'the driver\'s row object', value: objects } })

function pageOf (): Buffer {
  const count = Buffer.alloc(4)
  count.writeInt32BE(rows)
  const cells = Array.from({ length: rows }, (_, row) => types.flatMap(type => {
    const cell = type === 'text' ? Buffer.from('trucks') : Buffer.alloc(type === 'int' ? 4 : type === 'boolean' ? 1 : 8)
    if (type === 'double') cell.writeDoubleBE(row * 1.5)
    if (type === 'timestamp') cell.writeBigInt64BE(1_793_577_600_000n + BigInt(row))
    const length = Buffer.alloc(4)
    length.writeInt32BE(cell.length)
    return [length, cell]
  }))
  return Buffer.concat([count, ...cells.flat()])
}

async function byDriver (): Promise<void> {
  const meta = { columns: types.map((type, index) => ({ name: `c${index}`, type: { code: codes[type], info: null } })) }
  const parser = new Parser({ objectMode: true }, new Encoder(4, { encoding: {}, policies: { addressResolution: {} } }))
  const emitter = new ResultEmitter({ objectMode: true })
  let taken = 0
  emitter.on('result', (_header: unknown, _error: unknown, result: { readonly rows: readonly unknown[] }) => { taken += result.rows.length })
  parser.pipe(emitter)
  for (let index = 0; index < pages; index += 1) {
    parser.parseRows({ header: { streamId: 1 }, meta, flagsInfo: {} }, new FrameReader({ opcode: 8 }, page, 0))
    while (taken < (index + 1) * rows) await new Promise(resolve => { setImmediate(resolve) })
  }
}

async function cpuOf (work: () => Promise<void>): Promise<number> {
  const cpu = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return (user + system) / (pages * rows)
}
