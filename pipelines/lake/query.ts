import type { LakeReaderPort } from '../core/lake-ports.ts'
import { Answer } from './answer.ts'
import type { LakeQuery, LakeQueryRow } from './ask.ts'
import { cellsMax } from './cells.ts'
import { filled } from './fill.ts'
import { plannedQuery } from './plan.ts'
import { type Run, scanSegment } from './scan.ts'
import { type Selection, selectKeys } from './select.ts'
import { Sightings } from './sightings.ts'

/** Keys that are read together where more than one table answers: by key, and in groups. */
const togetherMax = 4_096
const groupedMax = 32_768

/**
 * Answer a question to a lake.
 *
 * Shape:  rows of intervals that have readings. By key: key by key, each key's in order of time, given out as soon as they are complete;
 *         else by group and time, when everything is read
 * Units:  quantiles within 1 %; a statistic is the same from windows as from readings, where windows took every reading
 * Late:   a reading that came too late for a window that is stored is in no answer of that window
 * Limits: groups x intervals, see Cells; the labels of `keysMax` keys
 * Errors: LAKE_ASK, LAKE_UNKNOWN, LAKE_LIMIT, those of the reader; the reason of `ask.abort`
 */
export async function * queryLake (reader: LakeReaderPort, ask: LakeQuery): AsyncGenerator<LakeQueryRow> {
  const plan = plannedQuery(reader.layout, ask)
  if (plan.segments.length === 0) return
  const selection = await selectKeys(reader, { keys: ask.keys, where: ask.where, labels: ask.by.filter(one => one !== 'key'), abort: ask.abort })
  if (selection.keys?.length === 0) return
  const run: Run = { reader, ask, plan, answer: new Answer(reader.layout, { plan, ask, selection }), sightings: new Sightings(reader, ask.abort) }
  if (ask.by.includes('key')) {
    if (plan.segments.length === 1 && !plan.isFilled) yield * keyByKey(run, selection)
    else yield * together(run, selection)
    return
  }
  if (plan.isFilled) {
    for await (const some of chunkedKeys(run, selection, groupedMax)) {
      await filled(run, some)
      run.answer.forgetKeys()
      run.sightings.clear()
    }
  } else for (const segment of plan.segments) for await (const _ of scanSegment(run, segment, selection.keys)) ask.abort?.throwIfAborted()
  // A `yield *` of what is not async takes half as long again.
  for (const row of run.answer.rows()) yield row
}

async function * keyByKey (run: Run, { keys }: Selection): AsyncGenerator<LakeQueryRow> {
  const { answer, ask, plan } = run
  let current: string | null = null
  for await (const key of scanSegment(run, plan.segments[0]!, keys)) {
    ask.abort?.throwIfAborted()
    if (key === current) continue
    for (const row of answer.rows()) yield row
    answer.clear()
    current = key
  }
  for (const row of answer.rows()) yield row
}

/** Some keys at a time, each with all of its segments. */
async function * together (run: Run, selection: Selection): AsyncGenerator<LakeQueryRow> {
  const { answer, ask, plan, sightings } = run
  const count = Math.max(1, Math.min(togetherMax, Math.floor(cellsMax / answer.intervals)))
  for await (const some of chunkedKeys(run, selection, count)) {
    if (plan.isFilled) await filled(run, some)
    else for (const segment of plan.segments) for await (const _ of scanSegment(run, segment, some)) ask.abort?.throwIfAborted()
    for (const row of answer.rows()) yield row
    answer.clear()
    sightings.clear()
  }
}

async function * chunkedKeys ({ reader, ask, sightings }: Run, { keys, heard }: Selection, count: number): AsyncGenerator<readonly string[]> {
  if (keys !== null) {
    for (let from = 0; from < keys.length; from += count) {
      const some = keys.slice(from, from + count)
      for (const key of some) {
        const known = heard(key)
        if (known !== undefined) sightings.tell(key, known)
      }
      yield some
    }
    return
  }
  let waiting: string[] = []
  for await (const piece of reader.keys(ask.abort && { signal: ask.abort })) {
    for (const one of piece) {
      sightings.tell(one.key, one)
      if (waiting.push(one.key) < count) continue
      yield waiting
      waiting = []
    }
  }
  if (waiting.length > 0) yield waiting
}
