import { lakeError } from './errors.ts'
import { decodePage, type Page } from './page.ts'
import type { RawRows } from './raw-rows.ts'
import type { CassandraSession } from './session.ts'
import { identifier, type LakeTable, qualified, type TableColumn } from './table.ts'

export interface PagesAsk { readonly table: LakeTable, readonly columns: readonly TableColumn[], readonly condition: string, readonly parameters: readonly unknown[], readonly pageRows: number, readonly signal: AbortSignal | undefined }

/** Queries of tables that come raw, page by page. */
export class Pages {
  readonly #session: CassandraSession
  readonly #keyspace: string

  constructor (session: CassandraSession, keyspace: string) {
    this.#session = session
    this.#keyspace = keyspace
  }

  /** Errors: as `lakeError` says, with the table; the signal's reason */
  async * of ({ table, columns, condition, parameters, pageRows, signal }: PagesAsk): AsyncGenerator<Page> {
    const cql = `SELECT ${columns.map(({ name }) => identifier(name)).join(', ')} FROM ${qualified(this.#keyspace, table.name)} WHERE ${condition}`
    const types = columns.map(({ type }) => type)
    let pageState: string | undefined
    do {
      signal?.throwIfAborted()
      const result = await this.#session.client.execute(cql, parameters as unknown[], { prepare: true, fetchSize: pageRows, ...pageState !== undefined && { pageState } })
        .catch((error: unknown) => { throw lakeError(error, { table: table.name }) })
      const [rows] = result.rows as unknown as RawRows[]
      pageState = result.pageState
      if (rows !== undefined) yield decodePage(rows, types)
    } while (pageState)
  }
}
