import { cachedClient } from '../../infra/clients.ts'
import { kafkajsClient } from './adapter-kafkajs.ts'
import { oursClient } from './adapter-ours.ts'
import { platformaticClient } from './adapter-platformatic.ts'
import { rdkafkaClient } from './adapter-rdkafka.ts'
import { behaviours, type Verdict } from './behaviours.ts'
import { Cannot, type Client } from './client.ts'
import { openLab } from './lab.ts'

/**
 * Look at one client: node look.ts <client> <bootstrap servers> <folder of the brokers> [the first behaviour's number] [part of its text].
 * A process of its own, so that a client which crashes or hangs does so alone.
 *
 * Shape: JSON lines on stdout: `{ client, version }`, then for each behaviour `{ looks }` and `{ says, verdict }` or `{ says, cannot }`
 */
export const versions = { 'node-rdkafka': '3.6.1', '@platformatic/kafka': '2.12.1' } as const
export const clientNames = ['connectors/kafka', 'kafkajs', 'node-rdkafka', '@platformatic/kafka'] as const
export type ClientName = (typeof clientNames)[number]
export type Line = { readonly client: string, readonly version: string } | { readonly says: string, readonly verdict: Verdict } | { readonly says: string, readonly cannot: string } | { readonly looks: string }
const patienceMs = 60_000

const folderOf = (name: keyof typeof versions) => cachedClient({ name, version: versions[name] })

async function clientOf (name: ClientName, servers: string): Promise<Client> {
  switch (name) {
    case 'connectors/kafka': return oursClient(servers)
    case 'kafkajs': return kafkajsClient(servers)
    case 'node-rdkafka': return rdkafkaClient(servers, await folderOf(name))
    case '@platformatic/kafka': return platformaticClient(servers, await folderOf(name))
  }
}

async function look (name: ClientName, servers: string, folder: string, { from, part }: { readonly from: number, readonly part: string }): Promise<void> {
  const say = (line: Line) => { process.stdout.write(`${JSON.stringify(line)}\n`) }
  const { version } = await clientOf(name, servers)
  say({ client: name, version })
  const writer = await platformaticClient(servers, await folderOf('@platformatic/kafka'))
  for (const { says, look } of behaviours.slice(from)) {
    if (!says.includes(part)) continue
    say({ looks: says })
    const client = await clientOf(name, servers)
    const { lab, close } = await openLab({ client, writer, servers, folder })
    const late = new Promise<string>(resolve => { setTimeout(() => { resolve(`does not finish within ${patienceMs / 1_000} s`) }, patienceMs).unref() })
    try {
      say({ says, verdict: await Promise.race([look(lab), late]) })
    } catch (error) {
      if (error instanceof Cannot) say({ says, cannot: error.message })
      else say({ says, verdict: `fails: ${(error as Error).message.split('\n')[0]!.slice(0, 120)}` })
    }
    await Promise.race([Promise.allSettled([client.close(), close()]), new Promise(resolve => { setTimeout(resolve, 5_000).unref() })])
  }
  process.exit(0)
}

if (import.meta.main) {
  const [, , name, servers, folder, from = '0', part = ''] = process.argv
  process.on('unhandledRejection', () => {})
  process.on('uncaughtException', () => {})
  await look(name as ClientName, servers!, folder!, { from: Number(from), part })
}
