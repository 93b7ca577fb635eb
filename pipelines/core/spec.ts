import type { ColumnKind } from './batch.ts'

/** What the stages are made from: the definition after defaults, durations and cross-references are resolved. Plain data. */
export interface SignalSpec { readonly name: string, readonly kind: 'number' | 'bool' | 'text', readonly unit: string | null }

/** A field of the contract that the pipeline reads. `path` walks records: `['location', 'lat']`; `name` is its dotted form. */
export interface FieldSpec { readonly name: string, readonly path: readonly string[], readonly kind: ColumnKind, readonly unit: string | null, readonly nullable: boolean }

export interface DecodeSpec {
  readonly source: string
  /** Avro JSON of the contract: the reader schema. */
  readonly contract: string
  readonly fields: readonly FieldSpec[]
  readonly key: string
  readonly time: { readonly field: string, /** Milliseconds per unit of the field: 1000 for s, 0.001 for us. */ readonly unitMs: number }
  readonly keysMax: number
  readonly limits: DecodeLimits
  readonly codegen: boolean
}
export interface DecodeLimits { readonly recordBytesMax: number, readonly elementsMax: number, readonly depthMax: number, readonly textBytesMax: number, readonly headersMax: number }
export const decodeLimits: DecodeLimits = { recordBytesMax: 16 << 20, elementsMax: 100_000, depthMax: 64, textBytesMax: 64 << 10, headersMax: 256 }

export type MappingSpec =
  | { readonly kind: 'field', readonly field: string, /** UCUM code of the field; null: as the signal's. */ readonly from: string | null, readonly scale: number, readonly offset: number }
  | { readonly kind: 'expression', readonly text: string }
  | { readonly kind: 'table', readonly table: string, readonly column: string, readonly otherwise: number | string | boolean | null }
  | { readonly kind: 'function', readonly call: NamedFunction, readonly fields: readonly string[] }
  | { readonly kind: 'nothing' }
export interface RangeSpec { readonly min: number, readonly max: number, readonly outside: 'unknown' | 'dead-letter' | 'keep' }
export interface NamedFunction { readonly name: string, readonly apply: (...fields: never[]) => unknown }

export interface NormaliseSpec {
  readonly source: string
  readonly fields: readonly FieldSpec[]
  readonly signals: readonly SignalSpec[]
  /** One per signal, same order. */
  readonly mappings: readonly MappingSpec[]
  readonly ranges: readonly (RangeSpec | null)[]
  readonly dedupe: { readonly by: readonly string[], readonly withinMs: number, readonly entriesMax: number } | null
  readonly futureMaxMs: number
  readonly codegen: boolean
}

export type StatisticSpec =
  | { readonly kind: 'count' }
  | { readonly kind: 'sum' | 'mean' | 'min' | 'max' | 'stddev' | 'first' | 'last' | 'delta' | 'rate' | 'distinct', readonly signal: string }
  /** Parts of what a lake merges: count of values, sum of squared distances from the mean, sketches as bytes. No definition says them. */
  | { readonly kind: 'n' | 'm2' | 'sketchBytes' | 'distinctBytes', readonly signal: string }
  | { readonly kind: 'quantile', readonly signal: string, readonly q: number }
  | { readonly kind: 'collect', readonly signal: string, readonly limit: number }
  | { readonly kind: 'user', readonly signal: string, readonly statistic: UserStatistic }
/** A named, pure, mergeable statistic: `state` is plain data. */
export interface UserStatistic {
  readonly name: string
  /** Kind of the result; default number. */
  readonly kind?: 'number' | 'bool' | 'text'
  readonly create: () => unknown
  readonly add: (state: never, value: never) => unknown
  readonly merge: (left: never, right: never) => unknown
  readonly result: (state: never) => number | string | boolean | null
}

export interface WindowSpec {
  readonly name: string
  readonly shape:
    | { readonly kind: 'tumbling', readonly sizeMs: number }
    | { readonly kind: 'hopping', readonly sizeMs: number, readonly advanceMs: number }
    | { readonly kind: 'session', readonly gapMs: number }
  readonly keep: readonly { readonly name: string, readonly statistic: StatisticSpec }[]
  readonly emit: { readonly mode: 'close' } | { readonly mode: 'update' } | { readonly mode: 'every', readonly everyMs: number }
  readonly allowedLatenessMs: number
  /** Expected distance between readings of a device; null: unknown. */
  readonly intervalMs: number | null
  readonly panesMax: number
}

/** Where a chunk of readings ends. */
export interface ChunkSpec {
  readonly rowsMax: number
  /** Of arrival. */
  readonly withinMs: number
  /** Readings of all open chunks of a task. */
  readonly openRowsMax: number
}

export interface RuleSpec {
  readonly name: string
  /** Hash of everything of the rule that shapes its events. */
  readonly version: string
  /** Name of the window it watches; null: readings. */
  readonly window: string | null
  /** CEL; null for an `absent` rule. */
  readonly when: string | null
  readonly clear: string | null
  readonly absentMs: number | null
  readonly registry: string | null
  readonly forMs: number
  /** On windows `for` counts consecutive windows; 0: none. */
  readonly forCount: number
  readonly gapMs: number | null
  readonly keepFiringMs: number
  readonly atLeast: { readonly count: number, readonly of: number } | null
  readonly missing: 'hold' | 'true' | 'false'
  readonly order: 'arrival' | 'event'
  readonly early: boolean
  readonly severity: 'info' | 'warning' | 'critical'
  readonly labels: readonly string[]
  readonly ttlMs: number | null
  readonly summary: string | null
}
