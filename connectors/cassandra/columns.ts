import type { CqlType } from './table.ts'

/** Columns that every lake has, with their type and what they mean; those of the key first. Times are UTC. */
type Columns = Readonly<Record<string, readonly [type: CqlType, means: string]>>

const device = { key: ['text', 'the device'], bucket: ['text', 'the UTC time it lies in: 2026, 2026-11, 2026-11-23, 2026-11-23T14 or 2026-11-23T14:05'] } as const satisfies Columns

export const readingColumns = {
  ...device,
  at: ['timestamp', 'event time'],
  partition: ['int', 'of the topic it came by'],
  offset: ['bigint', 'of the record; with `partition` it keeps the order of arrival'],
  arrived_at: ['timestamp', 'when it arrived'],
  source: ['text', 'the source of the definition'],
} as const satisfies Columns

/** Of a table of the contract's fields: the same key as the readings'. */
export const rawColumns = { key: readingColumns.key, bucket: readingColumns.bucket, at: readingColumns.at, partition: readingColumns.partition, offset: readingColumns.offset, arrived_at: readingColumns.arrived_at } as const satisfies Columns

export const chunkColumns = {
  ...device,
  first_at: ['timestamp', 'the earliest event time in it'],
  partition: ['int', 'of the topic they came by'],
  first_offset: ['bigint', 'of its first reading'],
  last_at: ['timestamp', 'the latest event time in it'],
  readings: ['int', 'how many are in it'],
  source: ['text', 'the source of the definition'],
  block: ['blob', 'their columns, compressed'],
} as const satisfies Columns

export const rollupColumns = {
  ...device,
  start: ['timestamp', 'the window is [start, end) of event time'],
  end: ['timestamp', 'its end'],
  source: ['text', 'the source of the definition'],
  partition: ['int', 'of the topic its readings came by'],
  expected: ['double', 'readings expected by the interval of the source; null where unknown'],
  received: ['double', 'readings received'],
  revision: ['int', '0 for the first result, then 1, 2, ...'],
  final: ['boolean', 'whether the watermark has passed the end'],
} as const satisfies Columns

export const alertsKey = { key: ['text', 'the device'], month: ['text', 'of `raised_at`, UTC: 2026-11'], raised_at: ['timestamp', 'event time at which it was raised'], alert_id: ['text', 'the same for all changes of an alert'] } as const satisfies Columns
export const alertsByDayKey = { day: ['text', 'of `raised_at`, UTC: 2026-11-23'], shard: ['int', 'hash of `alert_id`'], raised_at: alertsKey.raised_at, alert_id: alertsKey.alert_id, key: alertsKey.key } as const satisfies Columns
export const alertColumns = {
  rule: ['text', 'the rule that raised it'],
  rule_version: ['text', 'hash of what of the rule shapes its alerts'],
  severity: ['text', 'info, warning or critical'],
  state: ['text', 'the last change: raised, updated, escalated or cleared'],
  seq: ['int', 'number of the last change, from 0'],
  ordinal: ['bigint', 'grows by key and rule'],
  reason: ['text', 'of the last change'],
  labels: ['frozen<map<text, text>>', 'those that the rule names'],
  summary: ['text', 'a sentence, where the rule has one'],
  raised_arrival: ['timestamp', 'arrival of the reading that raised it'],
  cleared_at: ['timestamp', 'event time at which it was cleared; null while it stands'],
  updated_at: ['timestamp', 'event time of the last change'],
  expires_at: ['timestamp', 'when to act on it no more'],
  mode: ['text', 'live, shadow or replay'],
  values: ['text', 'what the condition saw, JSON'],
  units: ['frozen<map<text, text>>', 'units of the values'],
  window: ['text', 'the window it was raised on, JSON; null for readings'],
  topic: ['text', 'where the record lies that caused the last change'],
  partition: ['int', 'of the topic'],
  offset: ['bigint', 'in the partition'],
} as const satisfies Columns

export const keyColumns = {
  shard: ['int', 'hash of the key'],
  key: ['text', 'the device'],
  source: ['text', 'the source of the definition'],
  first_arrival: ['timestamp', 'of its first reading'],
  last_arrival: ['timestamp', 'of its last reading'],
} as const satisfies Columns

const arrival = { day: ['text', 'of `arrived_at`, UTC: 2026-11-23'], shard: ['int', 'hash of the position'], arrived_at: ['timestamp', 'when it arrived'], topic: ['text', 'where it lies'], partition: ['int', 'of the topic'], offset: ['bigint', 'in the partition'] } as const satisfies Columns
export const deadLetterColumns = {
  ...arrival,
  step: ['text', 'decode, normalise, window, rule or sink'],
  reason: ['text', 'an error code'],
  message: ['text', 'what was wrong'],
  schema_id: ['int', 'of its writer, where it was known'],
  key: ['blob', 'the record\'s key as it came'],
  value: ['blob', 'the record\'s value as it came'],
  headers: ['text', 'JSON: [name, value in hexadecimal] of each'],
} as const satisfies Columns
export const lateColumns = {
  ...arrival,
  window: ['text', 'the window it was too late for'],
  key: ['text', 'the device'],
  at: ['timestamp', 'event time'],
  value: ['blob', 'the record\'s value as it came'],
} as const satisfies Columns

export const widthColumns = { table_name: ['text', 'the table'], from_day: ['date', 'the first UTC day of event time'], width: ['text', 'minute, hour, day, month or year'] } as const satisfies Columns
export const migrationColumns = {
  pipeline: ['text', 'the pipeline'],
  id: ['int', 'from 1'],
  table_name: ['text', 'the table it changes'],
  what: ['text', 'what it does'],
  cql: ['text', 'the statement'],
  applied_at: ['timestamp', 'wall time'],
} as const satisfies Columns
export const offsetColumns = {
  pipeline: ['text', 'the pipeline'],
  topic: ['text', 'its input'],
  partition: ['int', 'of the topic'],
  epoch: ['bigint', 'grows when positions are set anew'],
  offset: ['bigint', 'the next one to store'],
  metadata: ['text', 'Millrace\'s own'],
} as const satisfies Columns
