import type { Contract } from '../../schemas/contract.ts'
import type { Duration } from '../core/time.ts'

/**
 * The definition as tsc sees it: fields, signals and their kinds, windows, statistics, tables and durations are checked, and
 * alternatives are told apart by `?: never`, so that an error stands at the wrong word.
 *
 * Source: test/types holds each kind of mistake and where tsc reports it
 */
export type SignalKind = 'number' | 'bool' | 'text' | { readonly unit: string }

type Leaf = string | number | boolean | bigint | Uint8Array | readonly unknown[]
/** Names of a contract's fields whose values are `V`; those of nested records with a dot, four records deep. */
export type Field<T, V = Leaf, Depth extends readonly 1[] = []> = Depth['length'] extends 4 ? never : {
  [Name in keyof T & string]-?: NonNullable<T[Name]> extends Leaf
    ? NonNullable<T[Name]> extends V ? Name : never
    : string extends keyof NonNullable<T[Name]> ? never : `${Name}.${Field<NonNullable<T[Name]>, V, [...Depth, 1]>}`
}[keyof T & string]

type ValueOf<Kind> = Kind extends 'bool' ? boolean : Kind extends 'text' ? string : Kind extends 'number' | { readonly unit: string } ? number : Leaf

interface NumberMapping { readonly from?: string, readonly scale?: number, readonly offset?: number, readonly range?: Range }
type Range = readonly [number, number] | { readonly min?: number, readonly max?: number, readonly outside?: 'unknown' | 'dead-letter' | 'keep' }
type NoNumberMapping = { readonly [Word in keyof NumberMapping]?: never }

type FieldMapping<T, V> = { readonly field: Field<T, V>, readonly table?: never, readonly column?: never, readonly else?: never, readonly map?: never, readonly args?: never }
  & (number extends V ? NumberMapping : NoNumberMapping)
type TableMapping<Tables, V> = {
  readonly [Name in keyof Tables & string]: { readonly table: Name, readonly column: Field<Tables[Name], V>, readonly else?: V | null, readonly field?: never, readonly map?: never, readonly args?: never } & NoNumberMapping
}[keyof Tables & string]
interface FunctionMapping<T> { readonly map: string, readonly args?: readonly Field<T>[], readonly field?: never, readonly table?: never, readonly column?: never, readonly else?: never, readonly from?: never, readonly scale?: never, readonly offset?: never, readonly range?: never }
/** CEL, a field, a table's column, a named function, or null: this source has no such signal. */
export type Mapping<T, V, Tables> = string | FieldMapping<T, V> | TableMapping<Tables, V> | FunctionMapping<T> | null

type SignalsOf<S, V> = { [Name in keyof S & string]: ValueOf<S[Name]> extends V ? Name : never }[keyof S & string]
/** Names of signals whose values are `V`. Undeclared, they are the contract's fields and what `normalise` adds. */
type SignalName<S, T, Added, V = Leaf> = [keyof S] extends [never] ? Field<T, V> | Added : SignalsOf<S, V>

type Numeric = 'sum' | 'mean' | 'min' | 'max' | 'stddev' | 'delta' | 'rate'
type AnyKind = 'first' | 'last' | 'distinct'
type Only<Word extends string, Argument> = { readonly [Name in Word]: { readonly [One in Name]: Argument } }[Word]
type Built = Numeric | AnyKind | 'quantile' | 'collect' | 'limit'
export type Statistic<NumberName extends string, Name extends string, Functions> =
  | 'count'
  | Only<Numeric, NumberName>
  | Only<AnyKind, Name>
  | { readonly quantile: readonly [NumberName, number] }
  | { readonly collect: Name | readonly [Name, number], readonly limit?: number }
  | UserStatistics<Functions, Name>
type UserStatistics<Functions, Name> = [Functions] extends [never] ? never
  : Functions extends string ? { readonly [name: string]: Name } & { readonly [Word in Built]?: never }
  : Only<keyof Functions & string, Name>

interface Kept<Stat, Keep> { readonly keep: { readonly [Name in keyof Keep]: Stat }, readonly emit?: 'close' | 'update' | { readonly every: Duration }, readonly allowedLateness?: Duration }
export type Window<Stat, Keep> = Kept<Stat, Keep> & (
  | { readonly tumbling: Duration, readonly hopping?: never, readonly session?: never }
  | { readonly hopping: readonly [Duration, Duration], readonly tumbling?: never, readonly session?: never }
  | { readonly session: Duration, readonly tumbling?: never, readonly hopping?: never }
)

/** Which words go together is checked on import; here each word has its type. */
export interface Rule<WindowName extends string, Name extends string, TableName extends string> {
  readonly when?: string
  readonly window?: WindowName
  readonly for?: Duration | number
  readonly gap?: Duration
  readonly clear?: string
  readonly keepFiring?: Duration
  readonly atLeast?: readonly [number, number]
  readonly absent?: Duration
  readonly registry?: TableName
  readonly missing?: 'hold' | boolean
  readonly order?: 'arrival' | 'event'
  readonly early?: boolean
  readonly severity?: 'info' | 'warning' | 'critical'
  readonly labels?: readonly Name[]
  readonly ttl?: Duration
  readonly summary?: string
}
/** On a window, labels are its statistics. */
type KeptName<Windows> = { [Name in keyof Windows]: keyof Windows[Name] & string }[keyof Windows]

interface TimePolicy { readonly lateness?: Duration, readonly idle?: Duration, readonly futureMax?: Duration, readonly watermark?: 'explicit' }
interface TimeField<T> { readonly field: Field<T, number>, readonly unit?: 's' | 'ms' | 'us' | 'ns' }
interface Dedupe<T> { readonly by: readonly Field<T>[], readonly within?: Duration }

export interface Source<T extends object, S, Tables> {
  readonly topic?: string
  readonly contract: Contract<T>
  readonly key: Field<T, string | number>
  readonly time: TimeField<T>
  readonly interval?: Duration
  readonly dedupe?: Dedupe<T>
  readonly normalise: { readonly [Name in keyof S]: Mapping<T, ValueOf<S[Name]>, Tables> }
}

/** What both forms have. */
interface Common<S, T, Added extends string, Tables extends Readonly<Record<string, object>>, Windows extends Readonly<Record<string, object>>, Functions> {
  readonly name: string
  readonly description?: string
  readonly signals?: S
  readonly tables?: { readonly [Name in keyof Tables]: { readonly topic?: string, readonly contract: Contract<Tables[Name]>, readonly key?: Field<Tables[Name], string> } }
  readonly windows?: { readonly [Name in keyof Windows]: Window<Statistic<NoInfer<SignalName<S, T, Added, number>>, NoInfer<SignalName<S, T, Added>>, NoInfer<Functions>>, Windows[Name]> }
  readonly rules?: Readonly<Record<string, Rule<NoInfer<keyof Windows & string>, NoInfer<SignalName<S, T, Added> | KeptName<Windows>>, NoInfer<keyof Tables & string>>>>
  readonly control?: { readonly topic?: string, readonly delivery?: 'exactly-once' | 'express' | 'at-least-once' }
  readonly lake?: { readonly keyspace?: string, readonly raw?: { readonly ttl?: Duration, readonly mode?: 'rows' | 'chunks', readonly fields?: boolean, readonly chunk?: { readonly readings?: number, readonly within?: Duration }, readonly bucket?: 'minute' | 'hour' | 'day' | 'month' | 'year' }, readonly ttl?: { readonly rollups?: Duration, readonly events?: Duration, readonly letters?: Duration }, readonly rollups?: readonly NoInfer<keyof Windows & string>[], readonly allowedLateness?: Duration }
  readonly functions?: Functions
  readonly operators?: Readonly<Record<string, { readonly reads?: readonly NoInfer<SignalName<S, T, Added>>[], readonly writes: readonly NoInfer<keyof S & string>[] }>>
  readonly limits?: { readonly keys?: number, readonly panes?: number, readonly dedupe?: number, readonly open?: number }
}

/** The short form: one source, with key, time and normalise beside it. */
interface Short<S, T extends object, Added extends string, Tables> {
  readonly source?: { readonly topic?: string, readonly contract: Contract<T> }
  readonly key?: NoInfer<Field<T, string | number>>
  readonly interval?: Duration
  readonly dedupe?: Dedupe<NoInfer<T>>
  readonly normalise?: { readonly [Name in Added]: [keyof S] extends [never] ? Mapping<NoInfer<T>, Leaf, Tables> : Name extends keyof S ? Mapping<NoInfer<T>, ValueOf<S[Name]>, Tables> : never }
}

export type Definition<S, T extends object, Shapes extends Readonly<Record<string, object>>, Added extends string, Tables extends Readonly<Record<string, object>>, Windows extends Readonly<Record<string, object>>, Functions> =
  & Common<S, T, Added, Tables, Windows, Functions>
  & Short<S, T, Added, Tables>
  & { readonly sources?: { readonly [Name in keyof Shapes]: Source<Shapes[Name], NoInfer<S>, NoInfer<Tables>> } }
  & ([T] extends [never]
    ? { readonly sources: unknown, readonly signals: unknown, readonly time?: TimePolicy }
    : { readonly source: unknown, readonly key: unknown, readonly sources?: never, readonly time: TimePolicy & TimeField<NoInfer<T>> })
