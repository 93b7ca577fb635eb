import { types } from 'cassandra-driver'
import { StreamError } from '../../pipelines/core/errors.ts'
import { lakeError } from './errors.ts'
import { planOf, type Step } from './plan.ts'
import { readPresent } from './present.ts'
import type { CassandraSession } from './session.ts'
import { qualified } from './table.ts'
import type { LakeTables } from './tables.ts'

const schemaMsMin = 60_000
const roundsMax = 3
const replicationMax = 3

/** What would change. Errors: LAKE_LAYOUT, and as `lakeError` says */
export async function lakePlan (session: CassandraSession, tables: LakeTables): Promise<readonly Step[]> {
  const { settings: { replication, localDataCenter }, nodes } = session
  return planOf(await readPresent(session, tables), tables, { replication: replication ?? { [localDataCenter]: Math.max(1, Math.min(replicationMax, nodes.length)) } })
}

/**
 * Before a pipeline writes: make the tables what they should be, or refuse when that is left to people.
 *
 * Errors: LAKE_MIGRATIONS, LAKE_LAYOUT, and as `lakeError` says
 */
export async function prepareTables (session: CassandraSession, tables: LakeTables): Promise<void> {
  const steps = await lakePlan(session, tables)
  if (steps.length === 0) return
  if (session.settings.migrations === 'manual') throw new StreamError('LAKE_MIGRATIONS', { keyspace: tables.keyspace, changes: steps.length, first: steps[0]!.what })
  await applyPlan(session, tables, steps)
}

/**
 * Carry out a plan. Several processes may do so at once: every statement changes nothing when it was carried out before, all of them go through the same
 * node, which does one at a time, and what is left afterwards is planned again.
 *
 * Delivery: forward only; a plan that was cut off goes on where it stopped
 * Errors:   LAKE_UNAVAILABLE when the nodes do not agree, and as `lakeError` says
 */
export async function applyPlan (session: CassandraSession, tables: LakeTables, steps: readonly Step[], onStep: (step: Step) => void = () => {}): Promise<void> {
  for (let round = 0, left = steps; left.length > 0; round += 1) {
    if (round === roundsMax) throw new StreamError('LAKE_UNAVAILABLE', { keyspace: tables.keyspace, left: left.length, first: left[0]!.what, why: 'other processes change the tables at the same time' })
    await carryOut(session, tables, left, onStep)
    left = await lakePlan(session, tables)
  }
}

async function carryOut (session: CassandraSession, tables: LakeTables, steps: readonly Step[], onStep: (step: Step) => void): Promise<void> {
  const unrecorded: Step[] = []
  const numbers: Numbers = { next: steps[0]!.id, seen: new Set() }
  const needs = steps.findLast(({ table }) => table === null || table === tables.migrations.name)
  let isReady = needs === undefined
  for (const step of steps) {
    await change(session, step)
    unrecorded.push(step)
    isReady ||= step === needs
    if (isReady) for (const done of unrecorded.splice(0)) await record(session, tables, done, numbers)
    onStep(step)
  }
}

/** The same node for all who change tables: two nodes that make one table at the same time would make two. */
async function change ({ client, settings, nodes: [first] }: CassandraSession, { cql, what }: Step): Promise<void> {
  const host = client.hosts.values().find(({ address }) => address === first)
  try {
    const { info } = await client.execute(cql, [], { prepare: false, readTimeout: Math.max(schemaMsMin, settings.requestTimeoutMs), serialConsistency: types.consistencies.localSerial, ...host !== undefined && { host } })
    if ((info as { readonly isSchemaInAgreement?: boolean }).isSchemaInAgreement === false) throw new StreamError('LAKE_UNAVAILABLE', { step: what, why: 'the nodes do not agree on the tables yet' })
  } catch (error) {
    throw lakeError(error, { step: what, cql: cql.split('\n')[0]!.replace(/ \($/, '') })
  }
}

/** The migrations on record from the first that a plan did not know of: the next number to try, and the statements below it. */
interface Numbers { next: number, readonly seen: Set<string> }

/** Under the first number that is free; what another process has recorded is not recorded again. */
async function record (session: CassandraSession, { keyspace, pipeline, migrations }: LakeTables, { table, what, cql }: Step, numbers: Numbers): Promise<void> {
  const insert = `INSERT INTO ${qualified(keyspace, migrations.name)} (pipeline, id, table_name, what, cql, applied_at) VALUES (?, ?, ?, ?, ?, toTimestamp(now())) IF NOT EXISTS`
  while (!numbers.seen.has(cql)) {
    const result = await session.execute(insert, [pipeline, numbers.next, table ?? keyspace, what, cql], { serialConsistency: types.consistencies.localSerial })
    const row = result.first()
    numbers.seen.add(row['[applied]'] === false ? row.cql as string : cql)
    numbers.next += 1
  }
}
