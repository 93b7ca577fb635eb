import { controlEventCodec, type ControlEvent } from '../../schemas/control-event.ts'
import { Outputs } from '../core/outputs.ts'
import type { LogPort } from '../core/ports.ts'
import type { CompiledPipeline } from '../core/stage.ts'
import { compileDefinition } from '../define/compile.ts'
import { readAll } from '../runtime/journal.ts'
import { type Ordered, ordered } from '../runtime/order.ts'
import { type PastPlace, type PastPlan, pastOfTopic, type PastTask, together } from '../runtime/past.ts'
import { Table } from '../runtime/tables.ts'
import { type Bound, boundOf } from './bound.ts'
import { rowDecoder, schemaBy } from './codecs.ts'
import { CliError, exitCodes } from './exit.ts'
import { Differences } from './event-differences.ts'
import type { TargetOptions } from './options.ts'
import { definitionAt } from './pipeline-of.ts'
import type { Target } from './system.ts'
import { deadLetterLine, eventLine, lateLine, readingLine, windowLine } from './output.ts'
import { count, paint, plural, put, say } from './talk.ts'

export interface PastOptions extends TargetOptions {
  readonly from?: string
  readonly to?: string
  readonly source?: readonly string[]
  readonly partition?: readonly number[]
  readonly rate?: string
  readonly compare?: true
  readonly emit: readonly string[]
  readonly codegen: boolean
}

/** `millrace replay --from-topic` and `--from-lake`: what was kept of the past, with the journal, in the order in which it arrived. */
export async function replayPast (path: string, kept: 'topic' | 'lake', options: PastOptions): Promise<void> {
  const { exportVariables, targetOf } = await import('./target.ts')
  const target = await targetOf(options, { definition: path })
  exportVariables(target.variables)
  const emit = new Set(options.emit)
  // Stored readings have every signal; from a topic, those that nothing reads need not be decoded.
  const pipeline = compileDefinition(await definitionAt(target, path), { codegen: options.codegen, readings: kept === 'lake' || emit.has('readings') })
  const { log, registry } = await target.openReader()
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort())
  try {
    const tables = new Map(pipeline.tables.map(({ name, topic, key }) => [name, new Table({ name, topic, key, decode: rowDecoder(registry) })]))
    for (const table of tables.values()) await table.catchUp(log)
    const plan = { log, pipeline, tables, schema: (id: number | string) => schemaBy(registry, id) }
    const { tasks, close } = kept === 'topic' ? await tasksOfTopics(plan, options) : await tasksOfLake(plan, target, { options, signal: stop.signal })
    try {
      await playTasks(plan, tasks, { emit, options, signal: stop.signal })
    } finally {
      close()
    }
  } finally {
    await log.close()
  }
}

async function playTasks ({ log, pipeline }: PastPlan, tasks: readonly PastTask[], { emit, options, signal }: { readonly emit: ReadonlySet<string>, readonly options: PastOptions, readonly signal: AbortSignal }): Promise<void> {
  const changes = tasks.reduce((sum, { definitions }) => sum + definitions, 0)
  if (changes > 0) say(paint.yellow(`The definition changed ${plural(changes, 'time')} in this stretch of the past; the one given is played throughout`))
  const differences = options.compare === true ? new Differences() : null
  await playAll(tasks, { emit, pace: paceOf(options.rate), signal, onEvent: event => { differences?.replayed(event) } })
  if (differences !== null && !signal.aborted) await compare(log, pipeline, tasks, differences)
}

async function tasksOfTopics (plan: PastPlan, options: PastOptions): Promise<{ readonly tasks: readonly PastTask[], close (): void }> {
  const tasks: PastTask[] = []
  for (const place of await placesOf(plan.log, plan.pipeline, options)) tasks.push(await pastOfTopic(plan, place, await rangeOf(plan.log, place, options)))
  return { tasks, close: () => {} }
}

/** `--from` and `--to` are event times here: that is what a lake is ordered by. */
async function tasksOfLake ({ log, pipeline, tables }: PastPlan, target: Target, { options, signal }: { readonly options: PastOptions, readonly signal: AbortSignal }): ReturnType<typeof tasksOfTopics> {
  if (pipeline.lake === null) throw new CliError('config', 'Cannot play what the lake keeps: the definition has none')
  const [{ pastOfLake }, { openLakeReaderOf }, { layoutOf }, { lakeFileOf }] = await Promise.all([import('./past-lake.ts'), import('./lake-of.ts'), import('./lake-layout.ts'), import('./lake-file.ts')])
  checkSources(pipeline, options)
  const reader = await openLakeReaderOf({ lakeFile: lakeFileOf(options.data, pipeline.name, target.folder), cassandra: target.cassandra }, layoutOf(pipeline))
  try {
    const wanted = ({ source, partition }: { readonly source: string, readonly partition: number }) => options.source?.includes(source) !== false && options.partition?.includes(partition) !== false
    return await pastOfLake({ pipeline, reader, log, tables, wanted }, { from: timeOf(options.from, Number.NEGATIVE_INFINITY), to: timeOf(options.to, Number.POSITIVE_INFINITY), signal })
  } finally {
    await reader.close()
  }
}

function timeOf (text: string | undefined, otherwise: number): number {
  if (text === undefined || text === 'start' || text === 'end') return otherwise
  const bound = boundOf(text)
  if ('offset' in bound) throw new CliError('usage', `Cannot find an offset in the lake: given=${JSON.stringify(text)} expected=a time, or how long ago`)
  return bound.timestamp
}

function checkSources ({ sources }: CompiledPipeline, { source: wanted }: PastOptions): void {
  const unknown = wanted?.find(name => !sources.some(source => source.name === name))
  if (unknown !== undefined) throw new CliError('usage', `Cannot find the source: given=${JSON.stringify(unknown)} sources=${JSON.stringify(sources.map(({ name }) => name))}`)
}

async function placesOf (log: LogPort, pipeline: CompiledPipeline, options: PastOptions): Promise<readonly PastPlace[]> {
  checkSources(pipeline, options)
  const { source: wanted, partition: only } = options
  const places: PastPlace[] = []
  for (const { name, topic } of pipeline.sources) {
    if (wanted !== undefined && !wanted.includes(name)) continue
    const info = await log.topic(topic)
    if (info === null) throw new CliError('data', `Cannot find the topic of the source ${JSON.stringify(name)}: topic=${JSON.stringify(topic)}`)
    for (let partition = 0; partition < info.partitions; partition += 1) {
      if (only === undefined || only.includes(partition)) places.push({ source: name, topic, partition, partitions: info.partitions })
    }
  }
  if (places.length === 0) throw new CliError('usage', `Cannot find a partition: given=${JSON.stringify(only)}`)
  return places
}

async function rangeOf (log: LogPort, { topic, partition }: PastPlace, { from, to }: PastOptions): Promise<{ readonly from: number, readonly to: number | null }> {
  const { start, end } = await log.range(topic, partition)
  const offsetOf = async (bound: Bound) => Math.max(start, Math.min(end, 'offset' in bound ? bound.offset : await log.offsetAt(topic, partition, bound.timestamp)))
  return {
    from: from === undefined || from === 'start' ? start : await offsetOf(boundOf(from)),
    to: to === undefined ? null : to === 'end' ? end : await offsetOf(boundOf(to)),
  }
}

/** Readings a second, or a multiple of the speed at which they came. */
type Pace = { readonly kind: 'rate', readonly perSecond: number } | { readonly kind: 'speed', readonly times: number } | null

function paceOf (text: string | undefined): Pace {
  if (text === undefined) return null
  const [, number, times] = /^(\d+(?:\.\d+)?)(x?)$/.exec(text) ?? []
  if (number === undefined || Number(number) <= 0) throw new CliError('usage', `Cannot read --rate: given=${JSON.stringify(text)} expected=readings a second (5000), or times the speed at which they came (1x, 60x)`)
  return times === 'x' ? { kind: 'speed', times: Number(number) } : { kind: 'rate', perSecond: Number(number) }
}

interface Playing { readonly emit: ReadonlySet<string>, readonly pace: Pace, readonly signal: AbortSignal, readonly onEvent: (event: ControlEvent) => void }

async function playAll (tasks: readonly PastTask[], { emit, pace, signal, onEvent }: Playing): Promise<void> {
  const out = new Outputs()
  const counts = new Map<string, number>()
  const startMs = performance.now()
  let text = ''
  let [readings, lines, firstArrival] = [0, 0, Number.NaN]
  for await (const { past, piece } of together(tasks)) {
    if (signal.aborted) break
    if (Number.isNaN(firstArrival) && Number.isFinite(piece.arrival)) firstArrival = piece.arrival
    if (pace !== null) await until(startMs + (pace.kind === 'rate' ? readings * 1_000 / pace.perSecond : (Math.max(firstArrival, piece.arrival) - firstArrival) / pace.times), signal)
    await piece.play(out, () => {
      const { task: { signals, keys }, place } = past
      if (emit.has('readings') && signals !== null) for (let row = 0; row < signals.count; row += 1) text += line(readingLine(signals, row, keys, { source: sourceAt(place, signals.position[row]!) }))
      for (const output of ordered(out)) {
        if (output.kind === 'event') onEvent(output.output.event)
        const said = lineFor(output, past, emit)
        if (said !== null) text += line(said)
      }
      for (const [reason, many] of out.counts) counts.set(reason, (counts.get(reason) ?? 0) + many)
      out.counts.clear()
    })
    readings += piece.records
    if (text.length > 1 << 14 || pace !== null) {
      const open = text === '' || await put(text)
      text = ''
      if (!open) return
    }
  }
  await put(text)
  const counted = [...counts].map(([reason, many]) => `${reason} ${many}`).join(', ')
  say(`${plural(readings, 'record')} of ${plural(tasks.length, 'partition')} in, ${plural(lines, 'line')} out${counted === '' ? '' : `; ${counted}`}`)

  function line (json: string): string { lines += 1; return `${json}\n` }
}

async function until (ms: number, signal: AbortSignal): Promise<void> {
  const { setTimeout: sleep } = await import('node:timers/promises')
  const left = ms - performance.now()
  if (left > 1) await sleep(left, undefined, { signal }).catch(() => {})
}

const sourceAt = ({ topic, partition }: PastPlace, offset: number) => ({ topic, partition, offset })

function lineFor (output: Ordered, { place, task: { keys } }: PastTask, emit: ReadonlySet<string>): string | null {
  const origin = { source: sourceAt(place, output.position) }
  switch (output.kind) {
    case 'window': return emit.has('windows') ? windowLine(output.window.replace(/^window\./, ''), output.rows, output.row, keys) : null
    case 'event': return emit.has('events') ? eventLine(output.output) : null
    case 'late': return emit.has('late') ? lateLine(output.output, origin) : null
    case 'dead-letter': return emit.has('dead-letters') ? deadLetterLine(output.output, origin) : null
  }
}

/** What the control topic has of the same stretch, event by event. Exit 1 when it is not the same. */
async function compare (log: LogPort, pipeline: CompiledPipeline, tasks: readonly PastTask[], differences: Differences): Promise<void> {
  if (pipeline.control === null) throw new CliError('usage', 'Cannot compare: the definition has no control topic')
  const { topic } = pipeline.control
  const info = await log.topic(topic)
  for (let partition = 0; partition < (info?.partitions ?? 0); partition += 1) {
    for await (const { value } of readAll(log, topic, partition, 0)) {
      const event = value === null ? null : decoded(value)
      if (event !== null && event.pipeline === pipeline.name && tasks.some(task => isOf(event, task))) differences.live(event)
    }
  }
  const { same, lines } = differences.finish()
  for (const difference of lines.slice(0, 20)) say(paint.red(difference))
  if (lines.length === 0) say(paint.green(`${plural(same, 'event')} of the control topic, each the same but for its mode`))
  else say(paint.red(`${plural(lines.length, 'difference')} from the control topic, ${count(same)} the same`))
  if (lines.length > 0) process.exitCode = exitCodes.failed.code
}

/** An event's place is that of the record, or of the last one before the tick, that caused it. */
const isOf = ({ source }: ControlEvent, { place, from, to }: PastTask) => source.topic === place.topic && source.partition === place.partition && source.offset >= from - 1 && source.offset < to
const decoded = (value: Uint8Array): ControlEvent | null => { try { return controlEventCodec.decode(value) } catch { return null } }
