import { alertsSheet, aroundSheet, episodesSheet, keysSheet, querySheet, readingsSheet, type RowsAsk, rollupsSheet, statsSheet } from '../sheets.ts'
import { keysOf, labelsWanted, lengthOf, listOf, queryOf, rangeOf, yesOf } from '../words.ts'
import type { Parameter, Route, RouteAsking, Values } from './declare.ts'

const text = { type: 'string' } as const
const duration = { type: 'string', pattern: '^[0-9]{1,12}(ms|s|m|h|d)$' } as const
const moments = 'now, -7d, -1h30m, today, 2026-11-23, or 2026-11-23T14:05:00Z; UTC where it names no zone'

export const formats = { json: 'application/json', ndjson: 'application/x-ndjson', csv: 'text/csv; charset=utf-8' } as const

const common: readonly Parameter[] = [
  { name: 'format', in: 'query', says: 'Instead of the Accept header', schema: { enum: Object.keys(formats) } },
  { name: 'limit', in: 'query', says: 'Stop after so many rows', schema: { type: 'integer', minimum: 1 }, example: '10' },
]
const keys: readonly Parameter[] = [
  { name: 'key', in: 'query', says: 'This device; may be given again', schema: text, many: true },
  { name: 'where', in: 'query', says: 'label=value: only devices whose text signal last had this value; may be given again, all must hold', schema: { type: 'string', pattern: '^[^=]+=' }, many: true },
]
const range = (from: string): readonly Parameter[] => [
  { name: 'from', in: 'query', says: `Event time, included: ${moments}`, schema: text, fallback: from },
  { name: 'to', in: 'query', says: 'Event time, not included', schema: text, fallback: 'now' },
]
const longer: Parameter = { name: 'longer', in: 'query', says: 'Only those of such a length', schema: duration, example: '10m' }

const rowsAsk = (values: Values, { nowMs, abort }: RouteAsking): RowsAsk => ({ ...keyed(values), ...rangeOf({ from: values.text('from'), to: values.text('to') }, nowMs), abort })
const keyed = (values: Values) => ({ keys: keysOf({ key: values.list('key') ?? [] }), where: labelsWanted(values.list('where')) })
const lengthIn = (values: Values, name: string): number | null => values.maybe(name) === undefined ? null : lengthOf(name, values.text(name))
const signalsIn = (values: Values): readonly string[] | null => values.maybe('signals') === undefined ? null : [...new Set(listOf(values.text('signals')))]
const optional = (values: Values, name: 'every' | 'points') => values.maybe(name) === undefined ? {} : { [name]: values.text(name) }

/** Everything that can be asked for over HTTP. OpenAPI, the page of documentation and the checks of a request are made of it. */
export const routes: readonly Route[] = [
  {
    path: '/v1/keys', name: 'keys', says: 'Devices: when they were first and last heard, and the last value of their text signals',
    parameters: [...keys, ...common],
    answer: (reader, values, { abort }) => keysSheet(reader, { ...keyed(values), abort }),
  },
  {
    path: '/v1/query', name: 'query', says: 'Statistics of a signal: by interval, by device or by label, from the coarsest table that answers',
    parameters: [
      { name: 'signal', in: 'query', says: 'Which signal', schema: text, required: true },
      { name: 'stat', in: 'query', says: 'Of count, mean, sum, min, max, stddev, first, last, distinct, p0 to p100, with commas between', schema: text, fallback: 'mean', example: 'mean,p99,max' },
      ...range('-7d'), ...keys,
      { name: 'every', in: 'query', says: 'Length of an interval, counted from 1970 in UTC; without it the range is one interval', schema: duration, example: '1h' },
      { name: 'points', in: 'query', says: 'Instead of every: about so many intervals', schema: { type: 'integer', minimum: 1, maximum: 100_000 } },
      { name: 'by', in: 'query', says: 'Groups: key, or names of text signals, with commas between; without it one group', schema: text, fallback: '' },
      { name: 'source', in: 'query', says: 'auto, readings, or a window', schema: text, fallback: 'auto' },
      { name: 'closed', in: 'query', says: 'true: only what closed windows have; else finer windows and readings give what they lack', schema: { type: 'boolean' }, fallback: 'false' }, ...common,
    ],
    answer: (reader, values, { nowMs, abort }) => querySheet(reader, queryOf({
      signal: values.text('signal'), stat: values.text('stat'), from: values.text('from'), to: values.text('to'), by: values.text('by'), source: values.text('source'), closed: yesOf('closed', values.text('closed')),
      key: values.list('key') ?? [], where: values.list('where') ?? [], ...optional(values, 'every'), ...optional(values, 'points'),
    }, nowMs, abort), { brief: false }),
  },
  {
    path: '/v1/readings', name: 'readings', says: 'Readings as they are kept, device by device in order of time',
    parameters: [...range('-1h'), ...keys, { name: 'signals', in: 'query', says: 'Only these, with commas between', schema: text }, ...common],
    answer: (reader, values, asking) => readingsSheet(reader, { ...rowsAsk(values, asking), columns: signalsIn(values) }),
  },
  {
    path: '/v1/rollups/{window}', name: 'rollups', says: 'Rows of a window, device by device in order of time',
    parameters: [{ name: 'window', in: 'path', says: 'A window that `lake.rollups` names', schema: text, required: true }, ...range('-7d'), ...keys, ...common],
    answer: (reader, values, asking) => rollupsSheet(reader, { ...rowsAsk(values, asking), window: values.text('window') }),
  },
  {
    path: '/v1/alerts', name: 'alerts', says: 'Alerts raised in the range, each once as it stands; with `around` a row for every reading around it',
    parameters: [
      ...range('-7d'), ...keys, { name: 'rule', in: 'query', says: 'Only of this rule; may be given again', schema: text, many: true }, longer,
      { name: 'around', in: 'query', says: 'The readings from so long before until so long after', schema: duration }, ...common,
    ],
    answer: (reader, values, asking) => {
      const ask = { ...rowsAsk(values, asking), rules: values.list('rule') ?? null, longerMs: lengthIn(values, 'longer') }
      const aroundMs = lengthIn(values, 'around')
      return aroundMs === null ? alertsSheet(reader, { ...ask, brief: false }) : aroundSheet(reader, { ...ask, aroundMs })
    },
  },
  {
    path: '/v1/episodes', name: 'episodes', says: 'Stretches of time in which a condition held, device by device, from the readings',
    parameters: [
      { name: 'when', in: 'query', says: 'A condition over signals, in CEL', schema: { type: 'string', maxLength: 2_000 }, required: true, example: 'celsius > 8.0' }, ...range('-7d'), ...keys, longer,
      { name: 'gap', in: 'query', says: 'Readings further apart end a stretch', schema: duration }, ...common,
    ],
    answer: (reader, values, asking) => episodesSheet(reader, { ...rowsAsk(values, asking), when: values.text('when'), longerMs: lengthIn(values, 'longer'), gapMs: lengthIn(values, 'gap') }),
  },
  { path: '/v1/stats', name: 'stats', says: 'Tables of the lake: rows, bytes, partitions, the oldest and the newest row', parameters: common, answer: reader => statsSheet(reader) },
]
