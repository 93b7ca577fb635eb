import type { LakeReaderPort } from '../core/lake-ports.ts'
import { Answer } from './answer.ts'
import type { LakeQuery, LakeQueryRow } from './ask.ts'
import { cellsMax } from './cells.ts'
import { type LakePlan, type LakeSegment, plannedQuery } from './plan.ts'
import { type Selection, selectKeys } from './select.ts'

/** Keys that are read together where more than one table answers. */
const togetherMax = 4096

/**
 * Answer a question to a lake.
 *
 * Shape:  rows of intervals that have readings. By key: key by key, each key's in order of time, given out as soon as they are complete;
 *         else by group and time, when everything is read
 * Units:  quantiles within 1 %; a statistic is the same from windows as from readings, where windows took every reading
 * Limits: groups x intervals, see Cells; the labels of `keysMax` keys
 * Errors: LAKE_ASK, LAKE_UNKNOWN, LAKE_LIMIT, those of the reader; the reason of `ask.abort`
 */
export async function * queryLake (reader: LakeReaderPort, ask: LakeQuery): AsyncGenerator<LakeQueryRow> {
  const plan = plannedQuery(reader.layout, ask)
  const selection = await selectKeys(reader, { keys: ask.keys, where: ask.where, labels: ask.by.filter(one => one !== 'key'), abort: ask.abort })
  if (selection.keys?.length === 0) return
  const run: Run = { reader, ask, plan, answer: new Answer(reader.layout, { plan, ask, selection }) }
  if (!ask.by.includes('key')) {
    for (const segment of plan.segments) for await (const _ of scan(run, segment, selection.keys)) ask.abort?.throwIfAborted()
    // A `yield *` of what is not async takes half as long again.
    for (const row of run.answer.rows()) yield row
  } else if (plan.segments.length === 1) yield * keyByKey(run, plan.segments[0]!, selection)
  else yield * together(run, selection)
}

interface Run { readonly reader: LakeReaderPort, readonly ask: LakeQuery, readonly plan: LakePlan, readonly answer: Answer }

/** Takes a segment's rows into the answer; gives the key of each piece before the piece is taken. */
async function * scan ({ reader, ask, answer }: Run, { source, from, to }: LakeSegment, keys: readonly string[] | null): AsyncGenerator<string> {
  const range = { keys, from, to, brief: true, ...ask.abort && { signal: ask.abort } }
  answer.begin()
  if (source === 'readings') {
    for await (const rows of reader.readings({ ...range, columns: [ask.signal] })) {
      yield rows.key
      answer.addReadings(rows)
    }
    return
  }
  const { shape, parts } = reader.layout.windows.find(({ name }) => name === source)!
  const columns = [...answer.parts].map(part => parts.find(one => one.signal === ask.signal && one.part === part)!.name)
  for await (const rows of reader.rollups({ ...range, window: source, columns })) {
    yield rows.key
    answer.addRollups(rows, shape.kind === 'session' ? Number.NaN : shape.sizeMs)
  }
}

async function * keyByKey (run: Run, segment: LakeSegment, { keys }: Selection): AsyncGenerator<LakeQueryRow> {
  const { answer, ask } = run
  let current: string | null = null
  for await (const key of scan(run, segment, keys)) {
    ask.abort?.throwIfAborted()
    if (key === current) continue
    for (const row of answer.rows()) yield row
    answer.clear()
    current = key
  }
  for (const row of answer.rows()) yield row
}

/** Some keys at a time, each with all of its segments. */
async function * together (run: Run, { keys }: Selection): AsyncGenerator<LakeQueryRow> {
  const { answer, ask, plan } = run
  const count = Math.max(1, Math.min(togetherMax, Math.floor(cellsMax / answer.intervals)))
  for await (const some of keys === null ? chunkedKeys(run, count) : chunked(keys, count)) {
    for (const segment of plan.segments) for await (const _ of scan(run, segment, some)) ask.abort?.throwIfAborted()
    for (const row of answer.rows()) yield row
    answer.clear()
  }
}

async function * chunkedKeys ({ reader, ask }: Run, count: number): AsyncGenerator<string[]> {
  let waiting: string[] = []
  for await (const piece of reader.keys(ask.abort && { signal: ask.abort })) {
    waiting.push(...piece.map(({ key }) => key))
    for (; waiting.length >= count; waiting = waiting.slice(count)) yield waiting.slice(0, count)
  }
  if (waiting.length > 0) yield waiting
}

function * chunked (keys: readonly string[], count: number): Generator<readonly string[]> {
  for (let from = 0; from < keys.length; from += count) yield keys.slice(from, from + count)
}
