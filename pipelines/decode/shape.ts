import type { AvroType, RecordOf } from './schema.ts'

/** Bytes of every value of a type; null where they differ. */
export function fixedWidth (type: AvroType, within: readonly AvroType[] = []): number | null {
  switch (type.kind) {
    case 'null': return 0
    case 'boolean': return 1
    case 'float': return 4
    case 'double': return 8
    case 'fixed': return type.size
    case 'record': {
      if (within.includes(type)) return null
      let sum = 0
      for (const field of type.fields) {
        const width = fixedWidth(field.type, [...within, type])
        if (width === null) return null
        sum += width
      }
      return sum
    }
    default: return null
  }
}

const recursion = new WeakMap<RecordOf, boolean>()
/** Whether values of this record may hold another of it. */
export function isRecursive (record: RecordOf): boolean {
  const known = recursion.get(record)
  if (known !== undefined) return known
  const seen = new Set<AvroType>()
  const reaches = (type: AvroType): boolean => {
    if (type === record) return true
    if (seen.has(type)) return false
    seen.add(type)
    switch (type.kind) {
      case 'array': return reaches(type.items)
      case 'map': return reaches(type.values)
      case 'union': return type.branches.some(reaches)
      case 'record': return type.fields.some(field => reaches(field.type))
      default: return false
    }
  }
  const answer = record.fields.some(field => reaches(field.type))
  recursion.set(record, answer)
  return answer
}
