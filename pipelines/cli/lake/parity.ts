import { ReadingSorter } from '../../../connectors/duckdb/sorter.ts'
import { controlEventCodec } from '../../../schemas/control-event.ts'
import type { LakeReaderPort } from '../../core/lake-ports.ts'
import { Outputs } from '../../core/outputs.ts'
import type { LogPort } from '../../core/ports.ts'
import type { CompiledPipeline, TaskStages } from '../../core/stage.ts'
import type { TableView } from '../../core/table.ts'
import { AlertParity } from '../../lake/alert-parity.ts'
import { RollupParity } from '../../lake/rollup-parity.ts'
import { readAll } from '../../runtime/journal.ts'
import { StoredInput } from '../../runtime/past-signals.ts'
import { Task } from '../../runtime/task.ts'

export interface ParityAsk { readonly pipeline: CompiledPipeline, readonly reader: LakeReaderPort, readonly from: number, readonly to: number, readonly abort: AbortSignal, /** A difference, as it is found. */ readonly differs: (difference: string) => void }
export interface ParityCount { readonly what: string, readonly compared: number, /** For people: what was left out, and why. */ readonly note: string | null }

/** Readings this far beyond what could have made a window late are read too: of a fleet, one of them will show that time has gone on. */
const beyondMs = 3_600_000

/**
 * Rollups of a lake against the readings of the same lake, played through the pond's own windows in the order in which they arrived: lateness and corrections included.
 *
 * Shape:  windows whole in [from, to); of those that were open when the readings end, only what the lake has of them
 * Limits: `parityRowsMax` rows a window; readings are sorted in memory up to a gigabyte, beyond it in temporary files
 * Errors: LAKE_LIMIT, those of the lake
 */
export async function rollupParity ({ pipeline, reader, from, to, abort, differs }: ParityAsk): Promise<readonly ParityCount[]> {
  const parities = new Map(reader.layout.windows.map(window => [window.name, new RollupParity(window, { from, to })]))
  const marginMs = marginOf(pipeline)
  const sorter = await ReadingSorter.open(pipeline.signals)
  try {
    for await (const rows of reader.readings({ keys: null, from: from - marginMs, to: to + marginMs, columns: pipeline.signals.map(({ name }) => name), signal: abort })) await sorter.add(rows)
    for (const { source, partition } of await sorter.tasks()) if (pipeline.sources.some(({ name }) => name === source)) await replayed(pipeline, { source, partition, sorter, parities, abort })
  } finally {
    sorter.close()
  }
  const counts: ParityCount[] = []
  for (const [window, parity] of parities) {
    for await (const rows of reader.rollups({ keys: null, from, to, window, columns: parity.columns, signal: abort })) for (const difference of parity.compare(rows)) differs(difference)
    for (const difference of parity.missing()) differs(difference)
    counts.push({ what: `window ${window}`, compared: parity.compared, note: null })
  }
  return counts
}

interface Replayed { readonly source: string, readonly partition: number, readonly sorter: ReadingSorter, readonly parities: ReadonlyMap<string, RollupParity>, readonly abort: AbortSignal }

async function replayed (pipeline: CompiledPipeline, { source, partition, sorter, parities, abort }: Replayed): Promise<void> {
  const task = new Task(stagesOf(pipeline, { source, partition }))
  const out = new Outputs()
  const taken = (isOpen: boolean) => {
    for (const { name, rows } of out.windows) parities.get(name.replace(/^window\./, ''))?.expect(task, rows, task.keys, { isOpen })
    out.clear()
  }
  const input = new StoredInput(sorter.sorted({ source, partition }))
  for (let piece = await input.next(-1, Number.POSITIVE_INFINITY); piece !== null; piece = await input.next(-1, Number.POSITIVE_INFINITY)) {
    abort.throwIfAborted()
    await piece.play(task, out, { isJournaled: false, taken: () => { taken(false) } })
  }
  task.drain(out)
  taken(true)
}

function stagesOf (pipeline: CompiledPipeline, { source, partition }: { readonly source: string, readonly partition: number }): TaskStages {
  const { topic } = pipeline.sources.find(({ name }) => name === source)!
  return pipeline.createStages({ leg: 'pond', source, topic, partition, mode: 'replay', tables: new Map(pipeline.tables.map(({ name }) => [name, nothing(name)])) })
}

/** Stored readings were looked up when they came. */
const nothing = (name: string): TableView => ({ name, version: 0, get: () => undefined, keys: () => [] })

/** Readings so far outside the range decide which of those inside were too late, and join sessions. */
function marginOf (pipeline: CompiledPipeline): number {
  const { windows, lake, sources: [source] } = pipeline
  const { latenessMs } = stagesOf(pipeline, { source: source!.name, partition: 0 }).clock
  const longest = windows.filter(({ name }) => lake!.rollups.includes(name)).reduce((ms, { shape }) => Math.max(ms, shape.kind === 'session' ? shape.gapMs : shape.sizeMs), 0)
  return lake!.allowedLatenessMs + longest + latenessMs + beyondMs
}

/**
 * Alerts of a lake against the events of the control topic.
 *
 * Errors: those of the lake and of the log
 */
export async function alertParity ({ pipeline, reader, from, to, abort, differs }: ParityAsk, log: LogPort): Promise<ParityCount> {
  const { topic } = pipeline.control!
  const partitions = Array.from({ length: (await log.topic(topic))?.partitions ?? 0 }, (_, partition) => partition)
  const ranges = await Promise.all(partitions.map(partition => log.range(topic, partition)))
  const parity = new AlertParity({ from, to, isWhole: ranges.every(({ start }) => start === 0) })
  for (const partition of partitions) {
    for await (const { value } of readAll(log, topic, partition, ranges[partition]!.start)) {
      abort.throwIfAborted()
      const event = value === null ? null : decoded(value)
      if (event?.pipeline === pipeline.name) parity.event(event)
    }
  }
  for await (const alerts of reader.alerts({ keys: null, from, to, rules: null, signal: abort })) for (const difference of parity.compare(alerts)) differs(difference)
  for (const difference of parity.missing()) differs(difference)
  return { what: 'alerts', compared: parity.compared, note: parity.older === 0 ? null : `${parity.older} of before the control topic begins were left out` }
}

const decoded = (value: Uint8Array) => { try { return controlEventCodec.decode(value) } catch { return null } }
