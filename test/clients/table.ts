import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { run } from 'node:test'
import { kafkaVersion } from '../../infra/local/jars.ts'
import { startStack } from '../../infra/local/stack.ts'
import { behaviours } from './behaviours.ts'
import { type ClientName, clientNames, type Line } from './look.ts'
import { clientsPage, type Result, type Seen } from './page.ts'

/** Prints docs/clients.md: every client through every behaviour, every connector through the contract suite, on a broker of its own. Five minutes. */
const say = (line: string) => { process.stderr.write(`${line}\n`) }
const connectors: readonly { readonly connector: string, readonly files: readonly [contract: string, secure?: string], readonly prefix: string }[] = [
  { connector: 'connectors/kafka', files: ['test/contract/kafka.test.ts', 'test/integration/kafka-secure.test.ts'], prefix: 'kafka log ' },
  { connector: 'connectors/kafkajs', files: ['test/contract/kafka-kafkajs.test.ts', 'test/integration/kafka-secure-kafkajs.test.ts'], prefix: 'kafkajs log ' },
  { connector: 'connectors/rdkafka', files: ['test/clients/rdkafka.ts'], prefix: 'node-rdkafka log ' },
]
const stack = await startStack({ cassandra: false, registry: false })
try {
  // Side by side: they wait most of the time.
  const seen = await Promise.all(clientNames.map(name => look(name)))
  process.env.KAFKA_BOOTSTRAP_SERVERS = stack.bootstrapServers
  const contracts = await Promise.all(connectors.map(async ({ connector, files: [file], prefix }) => ({ connector, passed: new Map(await contract(file, prefix)) })))
  // Each starts brokers of its own, with TLS and logins: one after another.
  for (const [at, { files: [, file], prefix }] of connectors.entries()) if (file !== undefined) for (const [name, did] of await contract(file, prefix)) contracts[at]!.passed.set(name, did)
  writeFileSync(new URL('../../docs/clients.md', import.meta.url), clientsPage({ seen, contracts, kafka: kafkaVersion(), node: process.versions.node }))
} finally {
  await stack.stop()
}

/** A client that ends its process at a behaviour goes on with the next one in another. */
async function look (name: ClientName): Promise<Seen> {
  const results: Map<string, Result> = new Map()
  let version = ''
  for (let from = 0; from < behaviours.length;) {
    let looked = from - 1
    const child = spawn(process.execPath, ['--disable-warning=TimeoutNegativeWarning', new URL('look.ts', import.meta.url).pathname, name, stack.bootstrapServers, stack.folder, `${from}`], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = new Promise<string>(resolve => { child.on('close', (status, signal) => { resolve(signal ?? `${status}`) }) })
    for await (const text of createInterface(child.stdout)) {
      if (!text.startsWith('{')) continue
      const line = JSON.parse(text) as Line
      if ('version' in line) version = line.version
      else if ('looks' in line) looked = behaviours.findIndex(({ says }) => says === line.looks)
      else { results.set(line.says, line); say(`${name}: ${text}`) }
    }
    const how = await ended
    const at = behaviours[looked]?.says
    if (at === undefined) throw new Error(`${name} does not start: ${how}`)
    if (!results.has(at)) { results.set(at, { verdict: `the process ends with ${how}` }); say(`${name}: ${at}: ${how}`) }
    from = looked + 1
  }
  return { client: name, version, results }
}

async function contract (file: string, prefix: string): Promise<ReadonlyMap<string, boolean>> {
  const passed = new Map<string, boolean>()
  const stream = run({ files: [new URL(`../../${file}`, import.meta.url).pathname], concurrency: 1, timeout: 300_000 })
  const note = (name: string, did: boolean) => {
    if (!name.startsWith(prefix)) return
    passed.set(name.slice(prefix.length), did)
    say(`${did ? 'passes' : 'FAILS'}: ${name}`)
  }
  stream.on('test:pass', ({ name }) => { note(name, true) })
  stream.on('test:fail', ({ name }) => { note(name, false) })
  stream.resume()
  await new Promise(resolve => { stream.once('end', resolve) })
  return passed
}
