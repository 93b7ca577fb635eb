import { type Command, Option } from 'commander'
import { endOf, type LogRecord, records } from '../core/record-batch.ts'
import type { SchemaName } from '../core/journal.ts'
import type { LogPort, RegistryPort } from '../core/ports.ts'
import { type Bound, boundOf } from './bound.ts'
import { CliError } from './exit.ts'
import { addTargetOptions, type TargetOptions } from './options.ts'
import { put, say } from './talk.ts'

interface TailOptions extends TargetOptions { readonly from: string, readonly to?: string, readonly limit?: number, readonly key?: string, readonly where?: readonly string[], readonly follow: boolean, readonly output: 'json' | 'value' }

/** `millrace tail <topic>`: the records of a topic as JSON lines, old ones first, then as they come. */
export function addTail (program: Command): void {
  addTargetOptions(program.command('tail'))
    .description('print the records of a topic, decoded; without a topic, list the topics')
    .argument('[topic]')
    .option('--from <where>', '"start", "end", an offset, a time (2026-01-31T12:00:00Z) or how long ago (10m)', 'end')
    .option('--to <where>', 'stop before this offset or time')
    .option('--limit <count>', 'stop after so many records', wholeNumber)
    .option('--key <key>', 'only records of this key')
    .option('--where <field=value...>', 'only records whose field has this value; all must hold')
    .option('--no-follow', 'stop at the end of the topic')
    .addOption(new Option('--output <form>', 'json: with offset, time and key; value: the value alone').choices(['json', 'value']).default('json'))
    .action(tail)
}

function wholeNumber (text: string): number {
  if (!/^\d+$/.test(text)) throw new CliError('usage', `--limit takes a whole number, not ${JSON.stringify(text)}`)
  return Number(text)
}

async function tail (topic: string | undefined, options: TailOptions): Promise<void> {
  const { targetOf } = await import('./target.ts')
  const { log, registry } = await (await targetOf(options)).openReader()
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort())
  try {
    if (topic === undefined) return await listTopics(log)
    await new Tail({ log, registry, topic, options, signal: stop.signal }).run()
  } finally {
    await log.close()
  }
}

async function listTopics (log: LogPort): Promise<void> {
  for (const { name, partitions, cleanup } of await log.topics()) {
    const ranges = await Promise.all(Array.from({ length: partitions }, (_, partition) => log.range(name, partition)))
    const held = ranges.reduce((sum, { start, end }) => sum + end - start, 0)
    await put(`${name}\t${partitions} partition${partitions === 1 ? '' : 's'}\t${held} records\t${cleanup}\n`)
  }
}

interface TailRun { readonly log: LogPort, readonly registry: RegistryPort, readonly topic: string, readonly options: TailOptions, readonly signal: AbortSignal }

class Tail {
  readonly #run: TailRun
  readonly #displays = new Map<SchemaName, ReturnType<typeof import('../decode/display.ts').createDisplay> | null>()
  readonly #wanted: readonly (readonly [path: readonly string[], value: string])[]
  #printed = 0

  constructor (run: TailRun) {
    this.#run = run
    this.#wanted = (run.options.where ?? []).map(text => {
      const at = text.indexOf('=')
      if (at < 1) throw new CliError('usage', `--where takes field=value, not ${JSON.stringify(text)}`)
      return [text.slice(0, at).split('.'), text.slice(at + 1)]
    })
  }

  async run (): Promise<void> {
    const { log, topic, options } = this.#run
    const info = await log.topic(topic)
    if (info === null) {
      const { nearest } = await import('../core/nearest.ts')
      const near = nearest(topic, (await log.topics()).map(({ name }) => name))
      throw new CliError('data', `Cannot find the topic: topic=${JSON.stringify(topic)}${near === null ? '' : `; did you mean ${JSON.stringify(near)}?`}`)
    }
    const until = options.to === undefined ? null : boundOf(options.to)
    const partitions = Array.from({ length: info.partitions }, (_, partition) => partition)
    const offsets = await Promise.all(partitions.map(partition => this.#start(partition)))
    const finished = new Set<number>()
    while (finished.size < partitions.length && !this.#run.signal.aborted) {
      let progressed = false
      for (const partition of partitions) {
        if (finished.has(partition)) continue
        const step = await this.#step(partition, offsets[partition]!, until, !progressed && partition === partitions.length - 1)
        if (step.done) finished.add(partition)
        if (step.next > offsets[partition]!) progressed = true
        offsets[partition] = step.next
        if (this.#full()) return
      }
    }
  }

  #full (): boolean { return this.#printed >= (this.#run.options.limit ?? Number.POSITIVE_INFINITY) }

  async #start (partition: number): Promise<number> {
    const { log, topic, options: { from } } = this.#run
    const { start, end } = await log.range(topic, partition)
    if (from === 'start') return start
    if (from === 'end') return end
    const bound = boundOf(from)
    return 'offset' in bound ? Math.max(start, Math.min(bound.offset, end)) : log.offsetAt(topic, partition, bound.timestamp)
  }

  async #step (partition: number, offset: number, until: Bound | null, wait: boolean): Promise<{ next: number, done: boolean }> {
    const { log, topic, options, signal } = this.#run
    const { bytes, end } = await log.fetch({ topic, partition, offset, bytesMax: 1 << 20, waitMs: wait && options.follow ? 500 : 0, signal })
    // Transactions leave offsets without records.
    const past = Math.max(offset, endOf(bytes))
    for (const record of records(bytes)) {
      if (record.offset < offset) continue
      if (until !== null && ('offset' in until ? record.offset >= until.offset : record.timestamp >= until.timestamp)) return { next: record.offset, done: true }
      await this.#print(record, partition)
      if (this.#full()) break
    }
    return { next: past, done: !options.follow && past >= end }
  }

  async #print (record: LogRecord, partition: number): Promise<void> {
    const { options } = this.#run
    const key = record.key === null ? null : new TextDecoder().decode(record.key)
    if (options.key !== undefined && key !== options.key) return
    const value = record.value === null ? null : await this.#value(record.value, record)
    if (!this.#wanted.every(([path, text]) => String(path.reduce<unknown>((inner, name) => (inner as Record<string, unknown> | null)?.[name], value)) === text)) return
    this.#printed += 1
    const line = options.output === 'value' ? value : { partition, offset: record.offset, timestamp: record.timestamp, key, value, ...(record.headers.length === 0 ? {} : { headers: headersOf(record) }) }
    if (!await put(`${JSON.stringify(line)}\n`)) process.exit(0)
  }

  async #value (bytes: Uint8Array, { headers }: LogRecord): Promise<unknown> {
    const { createDisplay, namedValue } = await import('../decode/display.ts')
    const named = namedValue(bytes, headers)
    if (named === null) return { bytes: Buffer.from(bytes).toString('hex') }
    const { schema: id, from } = named
    if (!this.#displays.has(id)) {
      const { schemaBy } = await import('./codecs.ts')
      const schema = await schemaBy(this.#run.registry, id)
      if (schema === null) say(`the registry does not know schema ${id}: its values are shown as bytes`)
      this.#displays.set(id, schema === null ? null : createDisplay(schema))
    }
    try { return this.#displays.get(id)?.(bytes, from) ?? { bytes: Buffer.from(bytes).toString('hex') } } catch { return { bytes: Buffer.from(bytes).toString('hex') } }
  }
}

const headersOf = (record: LogRecord) => Object.fromEntries(record.headers.map(([name, bytes]) => [name, bytes === null ? null : new TextDecoder().decode(bytes)]))
