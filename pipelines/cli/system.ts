import type { ClockPort, LogPort, RegistryPort } from '../core/ports.ts'
import type { ContractResolver } from '../define/contracts.ts'
import type { Variables } from '../define/profile.ts'

/** Where a pipeline's lake is. */
export interface LakePlace {
  /** File of the embedded lake. */
  readonly lakeFile: string
  /** Properties of the Cassandra that has the lake instead. */
  readonly cassandra?: Readonly<Record<string, string>> | null
}

/** What a pipeline runs on. */
export interface System extends LakePlace {
  readonly log: LogPort
  readonly registry: RegistryPort
  readonly clock: ClockPort
}

/** The log and registry of a pipeline, for those who read beside it. */
export type Reader = Pick<System, 'log' | 'registry'>

/** Where a verb does its work: a data folder, or a Kafka cluster. Nothing is opened before it is asked for. */
export interface Target {
  readonly kind: 'embedded' | 'kafka'
  /** Below the pipeline's folder: what lies there belongs to this log alone. */
  readonly folder: string
  /** For people: the log a pipeline is on. */
  readonly describe: string
  /** Answers for contracts written as `subject@version`. */
  readonly contracts: ContractResolver
  /** Values for `${name}` in a definition. */
  readonly variables: Variables
  /** Takes the place of the definition's keyspace. */
  readonly keyspace: string | null
  /** Of the Cassandra that has the lake; null: it is embedded, in the pipeline's folder. */
  readonly cassandra: Readonly<Record<string, string>> | null
  /** Of topics that are not there yet, where somebody said so. */
  readonly partitions: number | null
  /** For the process that runs a pipeline. `folder`: what it keeps on this machine. */
  open (folder: string): Promise<System>
  openReader (): Promise<Reader>
  /** The log alone. On a data folder to read, on Kafka for anything. */
  openLog (): Promise<LogPort>
}
