import { isUtf8 } from 'node:buffer'
import { type Cursor, divided, limb, pass, readBlock, readIndex, readInt, readLength, readLong } from './cursor.ts'
import { decimalText, durationOf, unscaledOf, uuidText } from './logical.ts'
import { poison, refuse } from './poison.ts'
import type { Plan, RecordPlan } from './resolve.ts'
import { skipper } from './skip.ts'

/** Reads one value for a `value` column, or as plain JavaScript inside one. */
export type Reader = (c: Cursor) => unknown
type NumberPlan = Plan & { readonly do: 'number' }

const decoder = new TextDecoder()

/**
 * A closure that reads what a plan describes.
 *
 * Shape:  arrays as arrays; maps and records as objects without prototype; whole numbers beyond 2^53 as bigint; decimals and
 *         uuids as text; bytes as a copy
 * Limits: those of the cursor, before anything is allocated
 * Errors: throws Poison
 */
export function reader (plan: Plan, memo: Map<Plan, Reader> = new Map()): Reader {
  switch (plan.do) {
    case 'null': return () => null
    case 'boolean': return c => c.bytes[pass(c, 1)] === 1
    case 'number': return numberReader(plan)
    case 'text': return c => textOf(c, readLength(c, true))
    case 'bytes': return c => { const from = pass(c, readLength(c, false)); return c.bytes.slice(from, c.at) }
    case 'fixed': return c => { const from = pass(c, plan.size); return c.bytes.slice(from, c.at) }
    case 'decimal': return c => {
      const length = plan.size ?? readLength(c, true)
      return decimalText(unscaledOf(c.bytes, pass(c, length), length), plan.scale)
    }
    case 'uuid': return c => uuidText(c.bytes, pass(c, 16))
    case 'duration': return c => durationOf(c.bytes, pass(c, 12))
    case 'enum': return c => plan.symbols[readIndex(c, plan.symbols.length)] ?? refuse(poison.unresolved)
    case 'array': return arrayReader(reader(plan.items, memo))
    case 'map': return mapReader(reader(plan.values, memo))
    case 'record': return recordReader(plan, memo)
    case 'union': {
      const branches = plan.branches.map(branch => reader(branch, memo))
      return c => branches[readIndex(c, branches.length)]!(c)
    }
    case 'refuse': return () => refuse(poison.unresolved)
  }
}

function textOf (c: Cursor, length: number): string {
  const text = c.bytes.subarray(pass(c, length), c.at)
  return isUtf8(text) ? decoder.decode(text) : refuse(poison.utf8)
}

function numberReader (plan: NumberPlan): Reader {
  if (plan.from !== 'long' || plan.to !== 'long' || plan.time !== null) return c => readNumber(c, plan)
  return c => {
    const value = readLong(c)
    return Number.isSafeInteger(value) ? value : wholeOf(c)
  }
}

/** The last long, exactly. */
function wholeOf (c: Cursor): bigint {
  const magnitude = BigInt(c.high) * BigInt(limb) + BigInt(c.low)
  return c.negative ? -magnitude - 1n : magnitude
}

/** A number as the contract's type has it, times in milliseconds. Longs beyond 2^53 are rounded; the limbs stay in the cursor. */
export function readNumber (c: Cursor, { from, to, time }: NumberPlan): number {
  switch (from) {
    case 'float': return c.view.getFloat32(pass(c, 4), true)
    case 'double': return c.view.getFloat64(pass(c, 8), true)
    default: {
      const value = from === 'int' ? readInt(c) : readLong(c)
      if (time !== null) return time.divisor === 1 ? value * time.scale : divided(c, value, time.divisor)
      return to === 'float' ? Math.fround(value) : value
    }
  }
}

function arrayReader (item: Reader): Reader {
  return c => {
    const items: unknown[] = []
    for (let count = readBlock(c); count > 0; count = readBlock(c)) {
      for (let i = 0; i < count; i += 1) items.push(item(c))
    }
    return items
  }
}

function mapReader (value: Reader): Reader {
  return c => {
    const map = Object.create(null) as Record<string, unknown>
    for (let count = readBlock(c); count > 0; count = readBlock(c)) {
      for (let i = 0; i < count; i += 1) {
        const key = textOf(c, readLength(c, true))
        if (key === '__proto__') refuse(poison.mapKey)
        map[key] = value(c)
      }
    }
    return map
  }
}

function recordReader (plan: RecordPlan, memo: Map<Plan, Reader>): Reader {
  const known = memo.get(plan)
  if (known !== undefined) return known
  const parts: { readonly name: string | null, readonly read: Reader }[] = []
  const read: Reader = c => {
    if (plan.recursive && (c.depth += 1) > c.limits.depthMax) refuse(poison.depth)
    const record = Object.create(null) as Record<string, unknown>
    for (const part of parts) {
      const value = part.read(c)
      if (part.name !== null) record[part.name] = value
    }
    for (const { name, value } of plan.defaults) record[name] = value
    if (plan.recursive) c.depth -= 1
    return record
  }
  memo.set(plan, read)
  for (const part of plan.fields) parts.push('skip' in part ? { name: null, read: skipper(part.skip) } : { name: part.name, read: reader(part.plan, memo) })
  return read
}
