import { type Command, Option } from 'commander'

/** Where the embedded log, registry and lake live. */
export const folderOption = () => new Option('--data <folder>', 'folder of the embedded log and lake').env('MILLRACE_DATA').default('.millrace')

/** `monitor.ts` reads it. */
export const httpFlag = () => new Option('--http <address>', 'serve /metrics, /healthz, /readyz, and questions to the lake (/docs) at this port of this machine, or at host:port').env('MILLRACE_HTTP')

/** Connectors that speak to Kafka, by the client beneath them: our own, and two for those who need them. */
export const kafkaClients = ['kafka', 'kafkajs', 'rdkafka'] as const
export type KafkaClient = typeof kafkaClients[number]

/** What the options of `addTargetOptions` come to. */
export interface TargetOptions {
  readonly data: string
  readonly profile?: string
  readonly profiles?: string
  readonly X?: readonly string[]
  /** Of `run`. */
  readonly client?: KafkaClient
  readonly threads?: number
  /** The folder was named on the command line of a verb that reads: it is meant, whatever the environment says. */
  readonly isFolder?: boolean
}

/** The options that say where a verb does its work; `target.ts` reads them. A verb that `runs` a pipeline has its folder on Kafka too. */
export function addTargetOptions (command: Command, { runs = false } = {}): Command {
  return command
    .addOption(folderOption())
    .addOption(new Option('--profile <name>', 'where to run: a name in millrace.profiles.yaml; `kafka` is a cluster of this machine, `embedded` the data folder').env('MILLRACE_PROFILE'))
    .addOption(new Option('--profiles <file>', 'the file of profiles').env('MILLRACE_PROFILES'))
    .option('-X <property=value>', 'a property of Kafka or of the registry, by its own name, or `cassandra.` and one of Cassandra; may be given again', (value: string, before: readonly string[] = []) => [...before, value])
    .hook('preAction', (_, verb) => { verb.setOptionValue('isFolder', !runs && verb.getOptionValueSource('data') === 'cli') })
}
