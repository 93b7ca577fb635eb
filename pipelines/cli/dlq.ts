import { type Command, Option } from 'commander'
import { type Bound, boundOf } from './bound.ts'
import { CliError } from './exit.ts'
import type { Letter, LetterFilter } from './letters.ts'
import { addTargetOptions, type TargetOptions } from './options.ts'
import { positive } from './replay.ts'
import { count, put, say } from './talk.ts'

interface LsOptions extends TargetOptions { readonly pipeline?: string, readonly late?: true, readonly reason?: readonly string[], readonly step?: readonly string[], readonly key?: readonly string[], readonly topic?: string, readonly from?: string, readonly to?: string, readonly limit?: number, readonly output: 'table' | 'json' | 'ndjson' }
interface ShowOptions extends TargetOptions { readonly pipeline?: string, readonly late?: true, readonly output: 'text' | 'json' }

const limitDefault = 50
const steps = ['decode', 'normalise', 'window', 'rule', 'sink']

/** `millrace dlq ls` and `millrace dlq show`: records that could not be used, as they came. */
export function addDlq (program: Command): void {
  const dlq = program.command('dlq').description('dead letters: records that could not be used, as they came, and why')
  addTargetOptions(dlq.command('ls'))
    .description('list the newest dead letters')
    .option('--pipeline <name>', 'whose; needed where several are here')
    .option('--late', 'list late readings instead; their reason is the window')
    .option('--reason <code...>', 'only these error codes, for example DECODE_TRUNCATED')
    .addOption(new Option('--step <step...>', 'only those of a step').choices(steps))
    .option('--key <key...>', 'only records with this key: text, or 0x and hexadecimal digits')
    .option('--topic <topic>', 'only records of this input')
    .option('--from <where>', 'an offset, a time (2026-01-31T12:00:00Z) or how long ago (10m), by arrival')
    .option('--to <where>', 'before this offset or time')
    .option('--limit <n>', `so many, the newest (default: ${limitDefault}; of ndjson all)`, positive)
    .addOption(new Option('--output <form>', 'ndjson: an object a line, in the order of the log').choices(['table', 'json', 'ndjson']).default('table'))
    .action(list)
  addTargetOptions(dlq.command('show'))
    .description('print everything that is known of one dead letter, with its bytes, and its value where the schema is known')
    .argument('<partition/offset>', 'as `dlq ls` prints it')
    .option('--pipeline <name>', 'whose; needed where several are here')
    .option('--late', 'a late reading')
    .addOption(new Option('--output <form>', 'how to print it').choices(['text', 'json']).default('text'))
    .action(show)
}

async function list (options: LsOptions): Promise<void> {
  const { lettersOf, lettersTopic } = await import('./letters.ts')
  const { output, late, pipeline } = options
  const filter: LetterFilter = { from: bound(options.from), to: bound(options.to), reasons: options.reason ?? [], steps: options.step ?? [], keys: options.key ?? [], source: options.topic ?? null }
  const limit = options.limit ?? (output === 'ndjson' ? Number.POSITIVE_INFINITY : limitDefault)
  await reading(options, async ({ log, signal }) => {
    let foreign = 0
    const letters = lettersOf(log, await lettersTopic(log, late === true ? 'late' : 'dead-letter', pipeline), { filter, signal, foreign: () => { foreign += 1 } })
    if (output === 'ndjson' && limit === Number.POSITIVE_INFINITY) {
      for await (const letter of letters) if (!await put(`${JSON.stringify(lineOf(letter))}\n`)) return
    } else {
      const newest = new Newest(limit)
      for await (const letter of letters) newest.add(letter)
      await print(newest.all(), output)
      if (newest.seen > limit) say(`the newest ${count(limit)} of ${count(newest.seen)}; --limit shows more`)
    }
    if (foreign > 0) say(`${count(foreign)} records of the topic are no dead letters`)
  })
}

async function print (letters: readonly Letter[], output: LsOptions['output']): Promise<void> {
  if (output === 'ndjson') { await put(letters.map(letter => `${JSON.stringify(lineOf(letter))}\n`).join('')); return }
  if (output === 'json') { await put(`${JSON.stringify(letters.map(lineOf), null, 2)}\n`); return }
  if (letters.length === 0) { say('no dead letters'); return }
  const [{ columns }, { textOrHex }] = await Promise.all([import('./columns.ts'), import('./hex.ts')])
  const rows = letters.map(({ partition, offset, arrival, step, reason, key, source, schemaId, value, message }) =>
    [`${partition}/${offset}`, isoOf(arrival), step, reason, key === null ? '-' : clipped(textOrHex(key)), `${source.topic}/${source.partition}/${source.offset}`, schemaId ?? '-', value?.length ?? '-', message.replaceAll('\n', ' ')])
  await put(columns(['AT', 'ARRIVED', 'STEP', 'REASON', 'KEY', 'SOURCE', 'SCHEMA', 'BYTES', 'MESSAGE'], rows, process.stdout.columns))
}

async function show (where: string, options: ShowOptions): Promise<void> {
  const [, partition, offset] = /^(\d+)\/(\d+)$/.exec(where) ?? []
  if (offset === undefined) throw new CliError('usage', `Cannot read the place of a dead letter: given=${JSON.stringify(where)} expected="<partition>/<offset>" as \`millrace dlq ls\` prints it`)
  const { decoded, letterAt, lettersTopic } = await import('./letters.ts')
  await reading(options, async ({ log, registry }) => {
    const topic = await lettersTopic(log, options.late === true ? 'late' : 'dead-letter', options.pipeline)
    const letter = await letterAt(log, { topic, partition: Number(partition), offset: Number(offset) })
    if (letter === null) throw new CliError('data', `Cannot find a dead letter: topic=${JSON.stringify(topic)} partition=${partition} offset=${offset}`)
    const read = await decoded(letter, registry).catch((error: Error) => ({ why: error.message }))
    if (options.output === 'json') await put(`${JSON.stringify({ ...lineOf(letter), value: letter.value && base64(letter.value), ...'value' in read ? { decoded: read.value } : { notDecoded: read.why } }, null, 2)}\n`)
    else await put(await pageOf(topic, letter, read))
  })
}

async function pageOf (topic: string, letter: Letter, read: { readonly value: unknown } | { readonly why: string }): Promise<string> {
  const [{ hexDump, textOrHex }, { errorCatalogue }] = await Promise.all([import('./hex.ts'), import('../core/errors.ts')])
  const { partition, offset, kind, reason, message, step, arrival, at, source, key, schemaId, headers, value } = letter
  const advice = (errorCatalogue as Readonly<Record<string, { readonly advice: string } | undefined>>)[reason]?.advice
  const facts: readonly (readonly [string, string] | null)[] = [
    [kind, `${topic}/${partition}/${offset}`], [kind === 'late' ? 'window' : 'reason', reason], ['message', message], advice === undefined ? null : ['advice', advice], ['step', step],
    ['arrived', isoOf(arrival)], at === null ? null : ['event time', isoOf(at)], ['source', `${source.topic}/${source.partition}/${source.offset}`],
    ['schema id', schemaId === null ? 'none' : String(schemaId)], ['key', key === null ? 'none' : `${textOrHex(key)}  (${key.length} bytes)`],
    ...headers.map(([name, bytes]) => [`header`, `${name}: ${bytes === null ? 'null' : textOrHex(bytes)}`] as const),
    ['value', value === null ? 'none (a tombstone)' : `${value.length} bytes`],
  ]
  const lines = facts.flatMap(fact => fact === null ? [] : [`${fact[0].padEnd(12)}${fact[1]}\n`]).join('')
  const shown = 'value' in read ? `decoded     ${JSON.stringify(read.value, null, 2)}\n` : `decoded     no: ${read.why}\n`
  return `${lines}${value === null ? '' : `${hexDump(value)}`}${shown}`
}

/** Everything but the value's bytes, which may be many. */
function lineOf ({ kind, partition, offset, step, reason, message, arrival, at, source, schemaId, key, value, headers }: Letter) {
  return {
    kind, partition, offset, step, reason, message, arrival: isoOf(arrival), ...at !== null && { at: isoOf(at) }, source, schemaId, key: key && Buffer.from(key).toString('utf8'), keyBytes: key && base64(key),
    bytes: value?.length ?? null, headers: headers.map(([name, bytes]) => ({ name, value: bytes && base64(bytes) })),
  }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const clipped = (text: string): string => text.length > 24 ? `${text.slice(0, 23)}…` : text
const isoOf = (timeMs: number): string => Number.isFinite(timeMs) && Math.abs(timeMs) < 8.64e15 ? new Date(timeMs).toISOString() : String(timeMs)
const bound = (text: string | undefined): Bound | null => text === undefined || text === 'start' ? null : boundOf(text)

/** The newest letters by arrival, in the order in which they came. */
class Newest {
  readonly #limit: number
  #kept: Letter[] = []
  seen = 0

  constructor (limit: number) { this.#limit = limit }

  add (letter: Letter): void {
    this.seen += 1
    this.#kept.push(letter)
    if (this.#kept.length >= this.#limit * 2 + 1_000) this.#kept = this.all() as Letter[]
  }

  all (): readonly Letter[] { return this.#kept.sort((a, b) => a.arrival - b.arrival || a.partition - b.partition || a.offset - b.offset).slice(-this.#limit) }
}

async function reading (options: TargetOptions, work: (parts: import('./system.ts').Reader & { readonly signal: AbortSignal }) => Promise<void>): Promise<void> {
  const { targetOf } = await import('./target.ts')
  const reader = await (await targetOf(options)).openReader()
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort())
  try {
    await work({ ...reader, signal: stop.signal })
  } finally {
    await reader.log.close()
  }
}
