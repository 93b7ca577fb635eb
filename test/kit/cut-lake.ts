import type { LakeLayout, LakePart, LakeWindow } from '../../pipelines/core/lake-ports.ts'
import { day, hour, minute } from './lake-oracle.ts'
import type { PlainRows } from './lake-writing.ts'
import type { PlainReading, PlainRollup } from './memory-lake.ts'
import { plainRollups } from './plain-rollups.ts'
import { type Random, randomOf } from '../sim/random.ts'

const partNames = ['n', 'sum', 'm2', 'min', 'max', 'first', 'last', 'sketch', 'distinct'] as const
const partsOf = (signal: string, names: readonly LakePart['part'][] = partNames) => names.map((part): LakePart => ({ name: `${signal}_${part}`, signal, part }))
const parts = [...partsOf('celsius'), ...partsOf('doorOpen', ['distinct'])]
const window = (name: string, sizeMs: number, advanceMs = sizeMs): LakeWindow => ({ name, shape: advanceMs === sizeMs ? { kind: 'tumbling', sizeMs } : { kind: 'hopping', sizeMs, advanceMs }, columns: [], parts })
const futureMaxMs = 5 * minute

/** Tumbling and hopping, with sizes of which one does not divide the next. */
export const cutLayout: LakeLayout = {
  pipeline: 'cut', keyspace: 'millrace', rawMode: 'rows', intervalMs: 60_000, futureMaxMs, rawBucket: 'hour', rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null,
  signals: [{ name: 'celsius', kind: 'number', unit: 'Cel' }, { name: 'doorOpen', kind: 'bool', unit: null }, { name: 'site', kind: 'text', unit: null }],
  windows: [window('five', 5 * minute), window('seven', 7 * minute), window('half', 30 * minute, 10 * minute), window('hour', hour), window('six', 6 * hour)],
}
/** Thursday, 19 November 2026, 00:00 UTC; the lake ends a day and a half later. */
export const cutFrom = Date.UTC(2026, 10, 19)
export const cutTo = cutFrom + 36 * hour

/**
 * Devices of two tasks whose streams were cut at moments of their own: windows that end later are not stored yet. Some devices are silent for long, come late or end
 * early, some run ahead of their arrival. The windows are younger than the readings, and some had another size once, so that old rows stand among new ones.
 */
export function cutLake (seed: number, devices: number): PlainRows {
  const random = randomOf(seed)
  const tasks = [0, 1].map((partition): Task => ({ partition, closedTo: cutTo - random.whole(0, random.chance(0.3) ? 12 * hour : 40 * minute), offset: 0 }))
  const streams = Array.from({ length: devices }, (_, index) => {
    const task = tasks[index % 2]!
    return { task, readings: stream(`truck-${index}`, task, random) }
  })
  const rollups = Object.fromEntries(cutLayout.windows.map(window => {
    const history = { young: random.chance(0.3) ? cutFrom + random.whole(0, day) : Number.NEGATIVE_INFINITY, changed: random.chance(0.4) ? cutFrom + random.whole(0, day) : null, formerMs: random.pick([minute, 2 * minute, 10 * minute, 2 * hour, 12 * hour]), again: random.chance(0.5) }
    return [window.name, streams.flatMap(({ task: { closedTo }, readings }) => rowsOf(window, readings, { closedTo, ...history }))]
  }))
  return { readings: streams.flatMap(({ readings }) => readings), rollups }
}

interface Task { readonly partition: number, readonly closedTo: number, offset: number }

function stream (key: string, task: Task, { whole, chance, pick }: Random): PlainReading[] {
  const stepMs = pick([40_000, 5 * minute, 50 * minute, 8 * hour])
  const to = chance(0.3) ? cutFrom + whole(0, 36 * hour) : cutTo
  const isAhead = chance(0.3)
  const result: PlainReading[] = []
  for (let at = cutFrom + whole(0, chance(0.4) ? 36 * hour : stepMs); at < to; at += whole(1, 2 * stepMs) + (chance(0.02) ? whole(0, 6 * hour) : 0)) {
    const stamp = chance(0.2) ? Math.min(cutTo - 1, Math.ceil(at / (5 * minute)) * 5 * minute) : at
    const values = { celsius: chance(0.1) ? pick([null, Number.NaN]) : whole(-80, 120) / 4, doorOpen: chance(0.2) ? null : chance(0.5), site: chance(0.2) ? null : pick(['Oslo', 'Bergen', 'Å']) }
    for (let times = chance(0.05) ? 2 : 1; times > 0; times -= 1) result.push({ key, source: 'trucks', at: stamp, arrival: isAhead ? stamp - whole(0, futureMaxMs) : stamp + whole(0, 1_000), partition: task.partition, offset: task.offset++, values })
  }
  return result
}

/** `young`: windows begin at or after it. `formerMs`: the size until `changed`; `again`: the window in which it lies was played again, else it is in none. */
interface History { readonly closedTo: number, readonly young: number, readonly changed: number | null, readonly formerMs: number, readonly again: boolean }

/** Rows as the lake ends with them: of one start, that of the later size stands. */
function rowsOf (window: LakeWindow, readings: readonly PlainReading[], { closedTo, young, changed, formerMs, again }: History): PlainRollup[] {
  const { sizeMs } = window.shape as Exclude<LakeWindow['shape'], { readonly kind: 'session' }>
  const former = changed === null ? [] : plainRollups(readings, { ...window, shape: { kind: 'tumbling', sizeMs: formerMs } }, cutLayout).filter(({ end }) => end <= changed)
  const first = changed === null ? Number.NEGATIVE_INFINITY : (again ? Math.floor : Math.ceil)(changed / sizeMs) * sizeMs
  const later = plainRollups(readings, window, cutLayout).filter(({ start }) => start >= first)
  const byStart = new Map([...former, ...later].filter(({ start, end }) => end <= closedTo && start >= young).map(row => [row.start, row]))
  return [...byStart.values()].toSorted((a, b) => a.start - b.start)
}
