import { Environment } from '@marcbachmann/cel-js'
import { type Batch, batchRowsMax, type Column, createBatch, createColumn } from '../pipelines/core/batch.ts'
import { compileExpression, type ExpressionField } from '../pipelines/expression/compile.ts'
import { bestRate, report } from './kit.ts'

/** What a condition costs per row, against the interpreter of the CEL library on the same rows as objects. */

const fields: readonly ExpressionField[] = [
  { name: 'celsius', kind: 'number', unit: 'Cel', nullable: true },
  { name: 'limit', kind: 'number', unit: 'Cel', nullable: false },
  { name: 'doorOpen', kind: 'bool', unit: null, nullable: true },
  { name: 'site', kind: 'text', unit: null, nullable: true },
  { name: 'humidity', kind: 'number', unit: '%', nullable: true },
]
const sites = ['Oslo', 'Bergen', 'Tromsø', 'Trondheim']
const rounds = 300
const rows = batchRowsMax

/** Temperatures wander about the limit, as they do in a fleet: neither always below nor tossed like a coin. */
function fill (unknownEvery: number): { readonly batch: Batch, readonly objects: Record<string, unknown>[] } {
  const batch = createBatch(fields)
  const objects: Record<string, unknown>[] = []
  let random = 7
  const next = () => (random = (Math.imul(random, 1103515245) + 12345) & 0x7fffffff) / 0x7fffffff
  let celsius = 4
  for (let row = 0; row < rows; row += 1) {
    celsius += (next() - 0.5) * 2 + (5 - celsius) * 0.05
    const values: Record<string, unknown> = { celsius, limit: 8, doorOpen: next() < 0.1, site: sites[row % sites.length], humidity: next() * 100 }
    objects.push(values)
    batch.key[row] = row % 1000
    batch.at[row] = row * 1000
    batch.columns.forEach(column => { put(column, row, unknownEvery > 0 && row % unknownEvery === 0 && column.name === 'celsius' ? null : values[column.name]) })
  }
  batch.count = rows
  return { batch, objects }
}

function put (column: Column, row: number, value: unknown): void {
  column.known[row] = value === null ? 0 : 1
  if (column.kind === 'text') column.values[row] = column.dictionary.internText(value as string)
  else column.values[row] = value === null ? Number.NaN : Number(value)
}

const { batch, objects } = fill(0)
const gaps = fill(10).batch

/** Rows per second of a condition; of a number, filled into a column. */
function rateOf (text: string, on: Batch, codegen = true): number {
  const expression = compileExpression(text, { fields, expect: 'any', codegen })
  const answers = new Uint8Array(rows)
  const column = createColumn({ name: 'result', kind: expression.kind, unit: expression.unit }, rows)
  return bestRate(() => {
    for (let round = 0; round < rounds; round += 1) {
      // a stateful expression takes time to go on
      if (expression.stateful) for (let row = 0; row < rows; row += 1) on.at[row]! += rows * 1000
      if (expression.kind === 'bool') expression.test(on, answers, null)
      else expression.evaluate(on, column, null)
    }
    return rounds * rows
  })
}

function peerRate (text: string): number {
  const evaluate = new Environment().registerVariable('celsius', 'double').registerVariable('limit', 'double').registerVariable('doorOpen', 'bool').registerVariable('site', 'string').registerVariable('humidity', 'double').parse(text)
  return bestRate(() => {
    let count = 0
    for (let round = 0; round < 10; round += 1) for (const object of objects) if (evaluate(object)) count += 1
    if (count < 0) throw new Error('unreachable')
    return 10 * rows
  }, { runs: 3 })
}

for (const [id, text] of [['one clause', 'celsius > limit'], ['two clauses', 'celsius > limit && humidity > 60.0'], ['text and bool', 'site == "Oslo" && !doorOpen'], ['text function', 'site.startsWith("Tr") || celsius > limit']] as const) {
  const [ours, peer] = [rateOf(text, batch), peerRate(text)]
  const nanoseconds = 1e9 / ours
  report({ id: `expression ${id}`, what: text, value: ours, unit: 'rows/s', peer: { name: 'cel-js', value: peer }, goal: id === 'one clause' ? '< 3 ns/row' : '5x cel-js', met: id === 'one clause' ? nanoseconds < 3 : ours >= 5 * peer })
}
for (const [id, text, on, codegen] of [
  ['with gaps', 'celsius > limit && humidity > 60.0', gaps, true], ['arithmetic', '(celsius * 9.0 / 5.0 + 32.0) / humidity', batch, true], ['memory', 'rate(celsius) > 0.1 && celsius > limit', batch, true],
  ['time of day', "hour(at, 'Europe/Oslo') >= 22", batch, true], ['closures', 'celsius > limit && humidity > 60.0', batch, false],
] as const) report({ id: `expression ${id}`, what: text, value: rateOf(text, on, codegen), unit: 'rows/s' })

/** Heap used up by a hundred batches, per row: a loop without objects, closures or strings leaves next to nothing. */
function bytesPerRow (text: string, on: Batch): number {
  const expression = compileExpression(text, { fields, expect: 'bool', codegen: true })
  const answers = new Uint8Array(rows)
  for (let round = 0; round < 500; round += 1) expression.test(on, answers, null)
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  for (let round = 0; round < 100; round += 1) expression.test(on, answers, null)
  return Math.max(0, process.memoryUsage().heapUsed - before) / (100 * rows)
}
for (const text of ['celsius > limit && humidity > 60.0', 'site == "Oslo" && !doorOpen', 'site.startsWith("Tr") && celsius > prev(celsius)']) {
  const bytes = bytesPerRow(text, gaps)
  report({ id: 'expression allocation', what: text, value: bytes, unit: 'bytes/row', goal: '< 1', met: bytes < 1 })
}
