import { StreamError } from '../../pipelines/core/errors.ts'
import type { Bucket } from '../../pipelines/core/lake-ports.ts'
import { dayText, nextDay, type Present, type PresentTable } from './present.ts'
import { addColumn, alterTtl, createTable, identifier, type LakeTable, literal, primaryKey, qualified, tableMark, ttlSeconds } from './table.ts'
import type { LakeTables } from './tables.ts'

/** One statement, what it does, and the table it is about (the keyspace: null). */
export interface Step { readonly id: number, readonly what: string, readonly cql: string, readonly table: string | null }
export interface PlanOptions { /** Copies by data centre, for a keyspace that is made. */ readonly replication: Readonly<Record<string, number>> }

/** The past of a table's first width. */
const firstDay = '1970-01-01'
/** Those who write and read look every hour which widths there are: a new one begins when they know. */
const noticeMs = 2 * 3_600_000

/**
 * What to do so that a keyspace has the tables of a pipeline: forward only, nothing is dropped, renamed or rewritten.
 *
 * Errors: LAKE_LAYOUT for a table that another program or pipeline made, and for a column or key that is other than wanted
 */
export function planOf (present: Present, tables: LakeTables, { replication }: PlanOptions): readonly Step[] {
  const { keyspace } = tables
  const steps: Omit<Step, 'id'>[] = []
  if (!present.keyspace) steps.push({ table: null, what: `make the keyspace ${keyspace}`, cql: createKeyspace(keyspace, replication) })
  for (const table of tables.all) {
    const there = present.tables.get(table.name)
    if (there === undefined) steps.push({ table: table.name, what: `make ${table.name}: ${table.comment.slice(table.comment.indexOf(':') + 2)}`, cql: createTable(keyspace, table) })
    else steps.push(...changes(tables, table, { there, made: present.made }))
  }
  steps.push(...widthSteps(present, tables))
  return steps.map((step, index) => ({ id: present.lastMigration + index + 1, ...step }))
}

export function createKeyspace (keyspace: string, replication: Readonly<Record<string, number>>): string {
  const copies = Object.entries(replication).map(([dataCenter, count]) => `, ${literal(dataCenter)}: ${count}`).join('')
  return `CREATE KEYSPACE IF NOT EXISTS ${identifier(keyspace)} WITH replication = {'class': 'NetworkTopologyStrategy'${copies}}`
}

interface Found { readonly there: PresentTable, readonly made: ReadonlySet<string> }

function changes ({ keyspace, pipeline }: LakeTables, table: LakeTable, { there, made }: Found): Omit<Step, 'id'>[] {
  const refused = (details: Readonly<Record<string, unknown>>) => new StreamError('LAKE_LAYOUT', { keyspace, table: table.name, ...details })
  checkOwner(table, { there, made, pipeline }, refused)
  checkKey(table, there, refused)
  const steps: Omit<Step, 'id'>[] = []
  for (const column of table.columns) {
    const found = there.columns.get(column.name)
    if (found === undefined) {
      const before = there.dropped.get(column.name)
      if (before !== undefined && before !== column.type) throw refused({ column: column.name, there: `dropped, it was ${before}`, wanted: column.type, why: 'a column that was dropped comes back with its old type alone' })
      steps.push({ table: table.name, what: `add ${column.name} to ${table.name}: ${column.means}`, cql: addColumn(keyspace, table, column) })
    } else if (found.type !== column.type) {
      throw refused({ column: column.name, there: found.type, wanted: column.type })
    }
  }
  if (there.ttlSeconds !== ttlSeconds(table.ttlMs)) {
    steps.push({ table: table.name, what: `keep rows of ${table.name} ${lifeText(ttlSeconds(table.ttlMs))} instead of ${lifeText(there.ttlSeconds)}; those that are there stay as long as they would`, cql: alterTtl(keyspace, table) })
  }
  return steps
}

type Refused = (details: Readonly<Record<string, unknown>>) => StreamError

/** Ours by its comment, or, when somebody changed that, by the migration that made it. */
function checkOwner ({ comment, name }: LakeTable, { there, made, pipeline }: Found & { readonly pipeline: string }, refused: Refused): void {
  const mark = comment.slice(0, comment.indexOf(':') + 1)
  if (there.comment.startsWith(mark) || made.has(name)) return
  const [, other] = /^Millrace, pipeline ([^:]+):/.exec(there.comment) ?? []
  if (other !== undefined) throw refused({ pipeline, madeFor: other, why: 'it belongs to another pipeline: give this one another name or keyspace' })
  throw refused({ wanted: `a comment that begins with "${tableMark(pipeline)}"`, there: there.comment === '' ? 'no comment' : there.comment, why: 'another program made it, and it is not touched: give the pipeline another name or keyspace' })
}

function checkKey (table: LakeTable, { columns }: PresentTable, refused: Refused): void {
  const ofKind = (kind: string) => [...columns].filter(([, column]) => column.kind === kind).toSorted(([, a], [, b]) => a.position - b.position).map(([name]) => name)
  const there = primaryKey({ partitionKey: ofKind('partition_key'), clustering: ofKind('clustering') })
  if (there !== primaryKey(table)) throw refused({ key: there, wanted: primaryKey(table) })
}

/** A width that is new holds from the next day on that is not too near; what is there stays where it is. */
function widthSteps ({ eras, nowMs }: Present, { keyspace, widths, readings, chunks, raw, rollups }: LakeTables): Omit<Step, 'id'>[] {
  return [readings, chunks, ...raw, ...rollups].filter(table => table !== null).flatMap(({ name, width }) => {
    const last = eras.get(name)?.at(-1)
    const insert = (day: string, width: Bucket) => `INSERT INTO ${qualified(keyspace, widths.name)} (table_name, from_day, width) VALUES (${literal(name)}, '${day}', '${width}') IF NOT EXISTS`
    if (last === undefined) return [{ table: widths.name, what: `partitions of ${name} are a ${width} wide`, cql: insert(firstDay, width) }]
    if (last.width === width) return []
    const from = dayText(Math.max(nextDay(nowMs + noticeMs), nextDay(last.from)))
    return [{ table: widths.name, what: `partitions of ${name} are a ${width} wide from ${from} on, instead of a ${last.width}; those that are there stay`, cql: insert(from, width) }]
  })
}

function lifeText (seconds: number): string {
  if (seconds === 0) return 'for ever'
  for (const [unit, length] of [['d', 86_400], ['h', 3_600], ['m', 60]] as const) if (seconds % length === 0) return `${seconds / length}${unit}`
  return `${seconds}s`
}
