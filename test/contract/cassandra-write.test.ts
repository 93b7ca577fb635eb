import { cassandraEnvironment as variables, cassandraSettings } from '../../connectors/cassandra/config.ts'
import { openCassandraLake } from '../../connectors/cassandra/lake.ts'
import { lakeTables } from '../../connectors/cassandra/tables.ts'
import { cassandraKeyspace, noCassandra } from '../kit/cassandra.ts'
import { plainRows } from '../kit/cassandra-rows.ts'
import { layout, lakeWriteContract } from './lake-write.ts'

/** Tables are made once and emptied for each test: making them takes ten times as long. */
let shared: ReturnType<typeof cassandraKeyspace> | null = null

lakeWriteContract('lake in Cassandra', async t => {
  const isNew = shared === null
  const { environment, keyspace, client } = await (shared ??= cassandraKeyspace())
  const of = { ...layout, keyspace }
  const { migrations, widths, all } = lakeTables(of)
  if (!isNew) for (const { name } of all) if (name !== migrations.name && name !== widths.name) await client.execute(`TRUNCATE ${keyspace}.${name}`)
  const another = async () => {
    const lake = await openCassandraLake({ settings: cassandraSettings(variables(environment)), layout: of })
    t.after(() => lake.close())
    return lake
  }
  return { lake: await another(), another, rows: table => plainRows(client, `SELECT * FROM ${keyspace}.cold_chain_${table}`) }
}, noCassandra ?? false)
