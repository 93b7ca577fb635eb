/** What `millrace/connectors/duckdb` exports. */
export { type EmbeddedLake, type LakeOptions, openLake } from './lake.ts'
export { type DuckReaderOptions, openDuckReader } from './lake-reader.ts'
export { lakeCounts, type LakeReader, openLakeReader } from './reader.ts'
