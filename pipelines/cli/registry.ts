import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type { RegistryServer, SchemaCatalogue } from '../../connectors/registry/public.ts'
import { CliError } from './exit.ts'
import { addTargetOptions, type TargetOptions } from './options.ts'
import { paint, say } from './talk.ts'

interface ServeOptions extends TargetOptions {
  readonly host: string
  readonly port: number
  readonly topic: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly clientCa?: string
  readonly users?: string
}

/** `millrace registry`: our own schema registry over HTTP, its schemas in the data folder or in a topic of Kafka. */
export function addRegistry (program: Command): void {
  addTargetOptions(program.command('registry'), { runs: true })
    .description('serve a schema registry with Confluent\'s REST API, its schemas in the data folder or in a compacted topic on Kafka')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <n>', 'port to listen on; 0: a free one', port, 8081)
    .option('--topic <name>', 'where the schemas lie on Kafka: a topic of our own, not that of another registry', '_millrace_schemas')
    .option('--tls-cert <file>', 'PEM file of the certificate; then it is https')
    .option('--tls-key <file>', 'PEM file of its key')
    .option('--client-ca <file>', 'PEM file of the CA whose clients alone may come in')
    .option('--users <file>', 'who may come in: lines of user:password')
    .action(serve)
}

function port (text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError('a port from 0 to 65535')
  return Number(text)
}

async function serve (options: ServeOptions): Promise<void> {
  const [{ serveRegistry }, { targetOf }] = await Promise.all([import('../../connectors/registry/public.ts'), import('./target.ts')])
  const [tls, users, target] = [await tlsOf(options), await usersOf(options.users), await targetOf(options)]
  const { catalogue, where, close } = target.kind === 'kafka' ? await onKafka(target, options) : await inFolder(options.data)
  let server: RegistryServer
  try {
    server = await serveRegistry({ catalogue, host: options.host, port: options.port, tls, users })
  } catch (error) {
    await close()
    throw new CliError('external', `Cannot listen: host=${options.host} port=${options.port} problem=${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`)
  }
  say(`registry    ${paint.bold(server.url)}   SCHEMA_REGISTRY_URL=${server.url}`)
  say(`schemas     ${where}`)
  say('stop        Ctrl-C')
  await new Promise<void>(stopped => { process.once('SIGINT', () => stopped()).once('SIGTERM', () => stopped()) })
  await server.close()
  await close()
}

interface Opened { readonly catalogue: SchemaCatalogue, readonly where: string, close (): Promise<void> }

async function inFolder (data: string): Promise<Opened> {
  const [{ openEmbedded }, { registryFolder }] = await Promise.all([import('./embedded.ts'), import('./registry-of.ts')])
  const folder = registryFolder(data)
  const { log, catalogue } = await openEmbedded(folder)
  return { catalogue, where: join(folder, 'log'), close: () => log.close() }
}

async function onKafka (target: import('./system.ts').Target, { topic }: ServeOptions): Promise<Opened> {
  const [{ logStore, SchemaCatalogue }, { machineClock }, { leadTopic }] = await Promise.all([import('../../connectors/registry/public.ts'), import('../../connectors/embedded/clock.ts'), import('./lead-topic.ts')])
  const log = await target.openLog()
  try {
    if (await log.topic(topic) === null) await log.createTopic({ name: topic, partitions: 1, cleanup: 'compact', retentionMs: null, timestamps: 'CreateTime' })
    const lead = await leadTopic(log, topic)
    const catalogue = await SchemaCatalogue.open(logStore({ log, clock: machineClock, topic, append: lead.append }))
    return { catalogue, where: `${target.describe}, topic ${topic}`, close: async () => { await lead.leave(); await log.close() } }
  } catch (error) {
    await log.close()
    throw error
  }
}

async function tlsOf ({ tlsCert, tlsKey, clientCa }: ServeOptions) {
  if (tlsCert === undefined && tlsKey === undefined && clientCa === undefined) return null
  if (tlsCert === undefined || tlsKey === undefined) throw new CliError('usage', '--tls-cert and --tls-key go together')
  return { cert: await text(tlsCert), key: await text(tlsKey), ...clientCa !== undefined && { clientCa: await text(clientCa) } }
}

async function usersOf (file: string | undefined) {
  if (file === undefined) return null
  return (await text(file)).split('\n').filter(line => line.trim() !== '').map((line, index) => {
    const at = line.indexOf(':')
    if (at < 1) throw new CliError('config', `Cannot read the users: file=${JSON.stringify(file)} line=${index + 1} expected=user:password`)
    return { name: line.slice(0, at), password: line.slice(at + 1).trimEnd() }
  })
}

async function text (file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => { throw new CliError('config', `Cannot read the file: file=${JSON.stringify(file)} code=${error.code}`) })
}
