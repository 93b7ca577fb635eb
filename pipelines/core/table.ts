export type TableCell = null | boolean | number | string
export type TableRow = Readonly<Record<string, TableCell>>

/** The latest row per key of a compacted topic, as far as it has been read. Not deterministic: what a stage uses of it is journaled. */
export interface TableView {
  readonly name: string
  /** Grows with every change of any row. */
  readonly version: number
  get (key: string): TableRow | undefined
  keys (): Iterable<string>
}
