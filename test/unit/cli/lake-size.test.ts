import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type FleetAsk, fleetSize, isTooDense } from '../../../pipelines/cli/lake/size.ts'
import { short } from '../../../pipelines/cli/lake/size-verb.ts'
import { millrace } from '../../kit/cli.ts'

const day = 86_400_000
const ask: FleetAsk = { devices: 10_000, intervalMs: 10_000, signals: 5, mode: 'rows', ttlMs: 90 * day, windows: [{ name: 'window 1m', startsApartMs: 60_000, summed: 1 }], rollupsTtlMs: null, spanMs: 365 * day, rf: 3, node: { diskBytes: 2e12, rowsPerSecond: 20_000 } }

test('rows are devices times time by interval; partitions stay within what is good', () => {
  const { tables: [readings, minute], rowsPerSecond } = fleetSize(ask)
  assert.equal(readings!.rowsPerDay, 10_000 * 8_640)
  assert.equal(readings!.width, 'day')
  assert.equal(readings!.partitionRows, 8_640)
  assert.equal(minute!.rows, 10_000 * 365 * 1_440)
  assert.equal(Math.round(rowsPerSecond), 1_000 + 167)
  assert(fleetSize(ask).tables.every(table => !isTooDense(table)))
  assert(isTooDense(fleetSize({ ...ask, intervalMs: 0.1 }).tables[0]!))
})

test('a fleet a hundred times as large needs about a hundred times the nodes; a small one needs a node for each copy', () => {
  const [small, large, larger] = [10, 1e6, 1e8].map(devices => fleetSize({ ...ask, devices }))
  assert.deepEqual([small!.nodes, small!.because], [3, 'copies'])
  assert(Math.abs(larger!.nodes / large!.nodes / 100 - 1) < 0.01)
  assert(fleetSize({ ...ask, devices: 1e6, mode: 'chunks' }).tables[0]!.bytes * 5 < large!.tables[0]!.bytes)
  assert.equal(fleetSize({ ...ask, devices: 1e6, ttlMs: day, windows: [] }).because, 'writes')
})

test('amounts are three digits and a letter', () => {
  assert.deepEqual([0, 7, 812, 9_999, 10_000, 1_234_567, 3.2e15, 0.5].map(short), ['0', '7', '812', '10.0 k', '10.0 k', '1.23 M', '3.20 P', '0.50'])
})

test('what docs/lake-sizing.md shows is what the calculator prints', async () => {
  const page = readFileSync('docs/lake-sizing.md', 'utf8')
  const shown = [...page.matchAll(/```sh\nnpm run millrace -- (lake size[^\n]*)\n```\n\n```\n([\s\S]*?)```/g)]
  assert.equal(shown.length, 4)
  for (const [, command, text] of shown) assert.equal((await millrace(command!.split(' '))).stdout, text)
})

test('what is no size is refused with its option', async () => {
  for (const [option, text] of [['--devices', 'many'], ['--interval', '0s'], ['--rf', '0'], ['--node-disk', '2X'], ['--window', 'day']] as const) {
    const { status, stderr } = await millrace(['lake', 'size', option, text])
    assert.equal(status, 64)
    assert.match(stderr, new RegExp(option))
  }
})
