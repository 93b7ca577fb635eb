import type { TableCell } from './table.ts'

/** What a record calls its schema: the registry's id, or a GUID (lower case, with hyphens). */
export type SchemaName = number | string

/**
 * What shaped output and is not in the source log. It holds content, not references, so a replay needs nothing else.
 * `position` is the offset of the next record: the entry takes effect before that record; `number` orders entries of one position.
 */
export type JournalEntry = { readonly position: number, readonly number: number } & JournalContent

export type JournalContent =
  /** Nothing arrived until `arrival`. */
  | { readonly kind: 'tick', readonly arrival: number }
  /** The watermark was set from outside (`time.watermark: explicit`). */
  | { readonly kind: 'watermark', readonly at: number }
  /** The row of `key` in a table, as used from here on; null: no such row. */
  | { readonly kind: 'lookup', readonly table: string, readonly key: string, readonly row: Readonly<Record<string, TableCell>> | null }
  /** A key entered (or left) a table that a rule's `registry` names. */
  | { readonly kind: 'registry', readonly table: string, readonly key: string, readonly present: boolean }
  /** The registry's answer for a schema: its Avro JSON, or null for "not found". It stands for that schema until there is another. */
  | { readonly kind: 'schema', readonly id: SchemaName, readonly schema: string | null }
  /** A changed definition takes over; `reset` names the stages that began anew. `definition` is its data, null when it names code. */
  | { readonly kind: 'definition', readonly hash: string, readonly definition: string | null, readonly reset: readonly string[] }
