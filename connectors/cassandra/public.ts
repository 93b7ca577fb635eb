/** What `millrace/connectors/cassandra` exports. */
export { cassandraEnvironment, cassandraProperties, type CassandraSettings, cassandraSettings } from './config.ts'
export { type CassandraLakeOptions, openCassandraLake } from './lake.ts'
export { applyPlan, lakePlan } from './migrate.ts'
export type { Step } from './plan.ts'
export { type CassandraReaderOptions, openCassandraReader } from './reader.ts'
export { type CassandraSession, openSession } from './session.ts'
export { createTable, type LakeTable, type TableColumn } from './table.ts'
export { type LakeTables, lakeTables } from './tables.ts'
