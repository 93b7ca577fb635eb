import type { ErrorCode } from '../core/errors.ts'
import type { DecodeLimits } from '../core/spec.ts'

/** What can be wrong with a record, as small numbers that generated code can carry. 0 is "nothing". */
export const poison = {
  truncated: 1, trailing: 2, varint: 3, length: 4, index: 5, unresolved: 6, utf8: 7, mapKey: 8, notFinite: 9, unsafe: 10,
  time: 11, key: 12, keysFull: 13, recordBytes: 14, textBytes: 15, elements: 16, depth: 17, headers: 18,
} as const
export type PoisonCode = typeof poison[keyof typeof poison]

/** Not poison, but reasons for the row loop to stop before a record: it is past the range asked for, it needs the slow path, the dictionaries are full, or the batch is damaged. */
export const pause = { finished: 252, elsewhere: 253, dictionaryFull: 254, damaged: 255 } as const

const codes: Readonly<Record<PoisonCode, ErrorCode>> = {
  [poison.truncated]: 'DECODE_TRUNCATED', [poison.trailing]: 'DECODE_TRAILING', [poison.varint]: 'DECODE_VARINT', [poison.length]: 'DECODE_LENGTH',
  [poison.index]: 'DECODE_INDEX', [poison.unresolved]: 'DECODE_UNRESOLVED', [poison.utf8]: 'DECODE_UTF8', [poison.mapKey]: 'DECODE_MAP_KEY',
  [poison.notFinite]: 'DECODE_NOT_FINITE', [poison.unsafe]: 'DECODE_UNSAFE', [poison.time]: 'DECODE_TIME', [poison.key]: 'DECODE_KEY', [poison.keysFull]: 'KEYS_FULL',
  [poison.recordBytes]: 'DECODE_LIMIT', [poison.textBytes]: 'DECODE_LIMIT', [poison.elements]: 'DECODE_LIMIT', [poison.depth]: 'DECODE_LIMIT', [poison.headers]: 'DECODE_LIMIT',
}
const limitNames: Readonly<Partial<Record<PoisonCode, keyof DecodeLimits>>> = {
  [poison.recordBytes]: 'recordBytesMax', [poison.textBytes]: 'textBytesMax', [poison.elements]: 'elementsMax', [poison.depth]: 'depthMax', [poison.headers]: 'headersMax',
}

/** The catalogue's code and facts for a poison code. */
export function diagnosis (code: PoisonCode, limits: DecodeLimits): { readonly reason: ErrorCode, readonly details: Readonly<Record<string, unknown>> } {
  const limit = limitNames[code]
  return { reason: codes[code], details: limit === undefined ? {} : { limit, max: limits[limit] } }
}

/** Thrown by the closures that read one value. No Error: a stack is of no use here, and costs more than the record. */
export class Poison {
  readonly code: number
  constructor (code: number) { this.code = code }
}
const thrown = new Map(Object.values(poison).map(code => [code, new Poison(code)]))

export function refuse (code: PoisonCode): never { throw thrown.get(code) }
