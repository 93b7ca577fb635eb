import type { types } from 'cassandra-driver'
import type { LakeTableStats } from '../../pipelines/core/lake-ports.ts'
import { lakeError } from './errors.ts'
import type { CassandraSession } from './session.ts'
import type { LakeTables } from './tables.ts'

const mebibyte = 1 << 20

/**
 * What the nodes know of the tables without looking at rows: partitions and their mean size in what was flushed (estimated every five minutes), bytes on disk
 * and the largest partition. Sums over the nodes that answer, copies included.
 */
export async function clusterStats (session: CassandraSession, { keyspace, all }: LakeTables): Promise<LakeTableStats[]> {
  const hosts = session.client.hosts.values().filter(host => host.isUp())
  const answers = await Promise.all(hosts.map(async host => {
    const rows = async (cql: string) => (await session.client.execute(cql, [keyspace], { prepare: true, host }).catch((error: unknown) => { throw lakeError(error, { host: host.address }) })).rows
    const [estimates, usage, largest] = await Promise.all([
      rows('SELECT table_name, partitions_count, mean_partition_size FROM system.size_estimates WHERE keyspace_name = ?'),
      rows('SELECT table_name, mebibytes FROM system_views.disk_usage WHERE keyspace_name = ? ALLOW FILTERING'), rows('SELECT table_name, mebibytes FROM system_views.max_partition_size WHERE keyspace_name = ? ALLOW FILTERING'),
    ])
    return { estimates, usage, largest }
  }))
  return all.map(({ name }): LakeTableStats => {
    const of = (rows: readonly types.Row[]) => rows.filter(row => row.table_name === name)
    const numbers = (pick: (answer: typeof answers[number]) => readonly types.Row[], value: (row: types.Row) => unknown) => answers.flatMap(answer => of(pick(answer))).map(row => Number(value(row)))
    const partitions = numbers(({ estimates }) => estimates, row => row.partitions_count)
    const estimated = answers.flatMap(({ estimates }) => of(estimates)).reduce((sum, row) => sum + Number(row.partitions_count) * Number(row.mean_partition_size), 0)
    const usage = sum(numbers(({ usage }) => usage, row => row.mebibytes))
    const largest = numbers(({ largest }) => largest, row => row.mebibytes)
    return {
      table: name, rows: null, bytes: usage === 0 ? Math.round(estimated) : usage * mebibyte, partitions: sum(partitions),
      oldestMs: null, newestMs: null, largestPartitionBytes: largest.length === 0 ? null : Math.max(...largest) * mebibyte, isEstimate: true,
    }
  })
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)
