import { hashOf } from '../core/keys.ts'
import { decodeLimits } from '../core/spec.ts'
import { Cursor, divided, int32At, longAt } from './cursor.ts'
import { emitSteps, type Emission } from './emit.ts'
import { int, long } from './emit-varint.ts'
import type { LoopOptions, RowLoop } from './interpret.ts'
import { pause, poison } from './poison.ts'
import { failure } from './steps.ts'
import { headerSchemaId, prefixBytes } from './wire.ts'

/** More than V8 wants before it takes notes of what a function does. */
const dryRuns = 16

/** Rows marked as known at a time: many enough to cost nothing per row, few enough where writers with different schemas take turns. */
const markedRows = 64

/**
 * The row loop as one generated function for a writer's schema and a projection: record header, value and key in one body,
 * without a call, object or closure per field for anything of dense form.
 *
 * Shape:  as `interpretRows`, with the same rows and the same poison
 * Limits: beyond `inlineStepsMax` steps the rest of a record runs as closures, so that the function stays small enough to be compiled
 * Source: bench/decode.ts. The text is made of numbers, names of ours and nothing a user wrote
 */
export function generateRows (options: LoopOptions): RowLoop {
  const { projection, sinks, targets, batch, schemaId } = options
  const key = targets.find(target => target.key)!
  const keyColumn = key.kind === 'text' ? key.column : -1
  const always = new Set(projection.steps.flatMap(step => step.do === 'store' && step.target.kind !== 'value' ? [step.target.column] : []))
  if (keyColumn >= 0) always.add(keyColumn)
  always.delete(-1)
  const emission: Emission = { sinks, bound: [], columns: new Set(always), always, inlined: 0, keyCalled: false }
  const steps = emitSteps(projection.steps, emission)
  const text = loopText({ steps, keyColumn, schemaId, columns: [...emission.columns], textColumns: [...emission.columns].filter(column => sinks.columns[column]!.kind === 'text' && column !== keyColumn), always: [...always], early: !emission.keyCalled, bound: emission.bound.length })
  const make = new Function('batch', 'sinks', 'bound', 'longAt', 'int32At', 'divided', 'headerSchemaId', 'hashOf', text) as (
    batch: LoopOptions['batch'], sinks: LoopOptions['sinks'], bound: readonly unknown[], long: typeof longAt, int32: typeof int32At, divide: typeof divided, header: typeof headerSchemaId, hash: typeof hashOf) => RowLoop
  const run = make(batch, sinks, emission.bound, longAt, int32At, divided, headerSchemaId, hashOf)
  // Some times over nothing: code compiled in the middle of a first long loop would otherwise know nothing of what follows the loop, and be thrown away at every exit.
  const nothing = new Cursor(decodeLimits)
  for (let i = 0; i < dryRuns; i += 1) run(nothing)
  return run
}

interface LoopText { readonly steps: string, readonly keyColumn: number, readonly schemaId: number, readonly columns: readonly number[], readonly textColumns: readonly number[], readonly always: readonly number[], /** The key is the text at ks, its slot looked up already. */ readonly early: boolean, readonly bound: number }

function loopText ({ steps, keyColumn, schemaId, columns, textColumns, always, early, bound }: LoopText): string {
  const list = (count: number, line: (index: number) => string) => Array.from({ length: count }, (_, index) => line(index)).join('\n')
  return `'use strict'
const { keys, scratch, columns } = sinks
${list(bound, index => `const bound${index} = bound[${index}]`)}
return function rows (c) {
const b = c.bytes, v = c.view, { batchEnd, baseOffset, baseTimestamp, appendTime, from, to } = c
const { recordBytesMax, headersMax, textBytesMax } = c.limits
const wordsEnd = b.length - 8
const logged = appendTime === appendTime
const { capacity, key: keyOut, at: atOut, arrival: arrivalOut, position: positionOut, valueStart: startOut, valueEnd: endOut } = batch
${columns.map(column => `const values${column} = columns[${column}].values, known${column} = columns[${column}].known`).join('\n')}
${textColumns.map(column => `const texts${column} = columns[${column}].dictionary`).join('\n')}
const first = Math.min(Math.max(from - baseOffset, 0), 2147483647) | 0, past = Math.min(Math.max(to - baseOffset, 0), 2147483647) | 0
let p = c.at, row = c.row, left = c.left, fail = 0, x = 0, size = 0, n = 0, lo = 0, hi = 0, id = 0, marked = row
while (left > 0 && row < capacity) {
${always.length === 0 ? '' : `if (row === marked) { marked += ${markedRows}\n${always.map(column => `known${column}.fill(1, row, marked)`).join('\n')} }`}
const start = p
record: {
${recordHeader(schemaId)}
let kb = b, kv = v, ks = 0, kl = -1, t = NaN, kh = 0, kslot = 0
${bound > 0 ? 'c.end = ve; c.elements = 0; c.depth = 0; c.time = NaN; c.keyLength = -1' : ''}
${steps}
${seal(keyColumn, early)}
row += 1
left -= 1
p = end
continue
}
p = start
break
}
c.at = p; c.row = row; c.left = left; c.fail = fail
}`
}

/** From the record's length to the first byte of its Avro value, when it is one of this schema. Leaves p, ve, arrival, delta, valueStart, end. */
function recordHeader (schemaId: number): string {
  return `${int('size', `{ fail = ${pause.damaged}; break record }`)}
const end = p + size
if (size < 6 || end > batchEnd) { fail = ${pause.damaged}; break record }
p += 1
${long('n', `{ fail = ${pause.damaged}; break record }`)}
const arrival = logged ? appendTime : baseTimestamp + n
${int('size', `{ fail = ${pause.damaged}; break record }`)}
const delta = size
if (delta < first) { p = end; left -= 1; continue }
if (delta >= past) { fail = ${pause.finished}; break record }
${int('size', `{ fail = ${pause.damaged}; break record }`)}
if (size > 0) p += size
if (p >= end) { fail = ${pause.damaged}; break record }
${int('size', `{ fail = ${pause.damaged}; break record }`)}
const valueStart = p
const ve = p + size
if (size < 1 || ve >= end) { fail = ${pause.elsewhere}; break record }
id = ve + 1 === end && b[ve] === 0 ? 0 : headerSchemaId(c, ve, end, headersMax)
if (id === 0) {
if (size < ${prefixBytes} || b[p] !== 0) { fail = ${pause.elsewhere}; break record }
id = v.getInt32(p + 1)
if (id !== ${schemaId > 0 ? schemaId : 0}) { c.schemaId = id > 0 ? id : 0; fail = ${pause.elsewhere}; break record }
p += ${prefixBytes}
} else if (id !== ${schemaId}) { c.schemaId = id; fail = ${pause.elsewhere}; break record }
if (size > recordBytesMax) { fail = ${failure(poison.recordBytes, -1)}; break record }`
}

/** What must hold for the whole record, then its key and what every row has. */
function seal (keyColumn: number, early: boolean): string {
  return `if (p !== ve) { fail = ${failure(poison.trailing, -1)}; break record }
if (kl < 0) { fail = ${failure(poison.key, -1)}; break record }
if (t - t !== 0) { fail = ${failure(poison.time, -1)}; break record }
id = ${early ? 'keys.internFrom(b, v, ks, kl, kh, kslot)' : 'keys.internUtf8(kb, kv, ks, kl)'}
if (id < 0) { fail = id === -1 ? ${failure(poison.keysFull, -1)} : ${failure(poison.utf8, -1)}; break record }
${keyColumn < 0 ? '' : `values${keyColumn}[row] = id`}
keyOut[row] = id
atOut[row] = t
arrivalOut[row] = arrival
positionOut[row] = baseOffset + delta
startOut[row] = valueStart
endOut[row] = ve`
}
