import { type Cursor, pass, readBlock, readIndex, readInt, readLength, readLong } from './cursor.ts'
import { poison, refuse } from './poison.ts'
import type { AvroType, RecordOf } from './schema.ts'
import { fixedWidth, isRecursive } from './shape.ts'

/** Moves over one value, checking all that its bytes must fulfil except that text is UTF-8. */
export type Skipper = (c: Cursor) => void

/**
 * A closure that passes over values of a type. Skipping walks to the very end of a value: a record that is cut short or has
 * bytes left over is found although nobody reads its last fields.
 *
 * Errors: throws Poison
 */
export function skipper (type: AvroType, memo: Map<AvroType, Skipper> = new Map()): Skipper {
  const width = fixedWidth(type)
  if (width !== null) return c => { pass(c, width) }
  switch (type.kind) {
    case 'int': return readInt
    case 'long': return readLong
    case 'bytes': return c => { pass(c, readLength(c, false)) }
    case 'string': return c => { pass(c, readLength(c, true)) }
    case 'enum': return c => { readIndex(c, type.symbols.length) }
    case 'array': return skipItems(type.items, memo)
    case 'map': return skipEntries(skipper(type.values, memo))
    case 'union': {
      const branches = type.branches.map(branch => skipper(branch, memo))
      return c => { branches[readIndex(c, branches.length)]!(c) }
    }
    case 'record': return skipRecord(type, memo)
    default: throw new Error(`no width: ${type.kind}`)
  }
}

function skipItems (items: AvroType, memo: Map<AvroType, Skipper>): Skipper {
  const width = fixedWidth(items)
  if (width !== null) return c => { for (let count = readBlock(c); count > 0; count = readBlock(c)) pass(c, count * width) }
  const item = skipper(items, memo)
  return c => {
    for (let count = readBlock(c); count > 0; count = readBlock(c)) {
      for (let i = 0; i < count; i += 1) item(c)
    }
  }
}

function skipEntries (value: Skipper): Skipper {
  return c => {
    for (let count = readBlock(c); count > 0; count = readBlock(c)) {
      for (let i = 0; i < count; i += 1) {
        pass(c, readLength(c, true))
        value(c)
      }
    }
  }
}

function skipRecord (type: RecordOf, memo: Map<AvroType, Skipper>): Skipper {
  const known = memo.get(type)
  if (known !== undefined) return known
  const fields: Skipper[] = []
  const recursive = isRecursive(type)
  const skip: Skipper = c => {
    if (recursive && (c.depth += 1) > c.limits.depthMax) refuse(poison.depth)
    for (const field of fields) field(c)
    if (recursive) c.depth -= 1
  }
  memo.set(type, skip)
  for (const field of type.fields) fields.push(skipper(field.type, memo))
  return skip
}
