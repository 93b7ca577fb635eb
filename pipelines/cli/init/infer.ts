import { fieldNames, isMissing, timeMs } from '../csv.ts'

/** What a column of a CSV file looks like, from a sample of its cells. */
export interface ColumnGuess {
  /** As in the file. */
  readonly header: string
  /** As Avro, expressions and the lake allow it. */
  readonly field: string
  readonly kind: 'time' | 'number' | 'bool' | 'text'
  readonly nullable: boolean
  readonly distinct: number
  readonly unit: string | null
  /** Of a number column. */
  readonly numbers: Numbers | null
  /** Of a time column: what epoch numbers count; null for dates as text. */
  readonly epoch: { readonly unit: EpochUnit, readonly whole: boolean } | null
}
export type EpochUnit = keyof typeof epochUnitsMs
/** `below` is the highest number under the highest; null where all are the same. */
export interface Numbers { readonly min: number, readonly max: number, readonly p99: number, readonly median: number, readonly below: number | null, /** Never falls from row to row. */ readonly counter: boolean }

export interface TableGuess {
  readonly columns: readonly ColumnGuess[]
  readonly time: ColumnGuess
  /** Null: no column names a device; all rows are one device. */
  readonly key: ColumnGuess | null
  /** Median distance between readings of one device, in milliseconds. */
  readonly intervalMs: number | null
  /** Readings without a time cannot be placed: they will be dead letters. */
  readonly timeless: number
  /** Rows that came after a later one of their device, or more than one interval after any. */
  readonly disordered: number
  /** What was guessed and why, for people. */
  readonly said: readonly string[]
}

/**
 * Guess the contract of a CSV file from its header and rows.
 *
 * Errors: an Error whose message says what to do, when there is no header, no row, or no column of times
 */
export function inferTable (header: readonly string[], rows: readonly (readonly string[])[]): TableGuess {
  if (header.length === 0 || rows.length === 0) throw new Error('the file needs a header line and at least one row')
  const fields = fieldNames(header)
  const columns = header.map((name, i) => guessColumn(name, fields[i]!, rows.map(row => row[i] ?? '')))
  const times = columns.filter(column => column.kind === 'time')
  const time = times.find(column => timeName.test(column.header.trim()) && !column.nullable) ?? times.find(column => timeName.test(column.header.trim())) ?? times[0]
  if (time === undefined) throw new Error('no column holds times: name one "timestamp" and write ISO 8601 dates (2026-01-31T12:00:00Z) or epoch numbers into it')
  const key = guessKey(columns, rows.length)
  const timeIndex = columns.indexOf(time)
  const keyIndex = key === null ? -1 : columns.indexOf(key)
  const readings = rows.map(row => ({ key: row[keyIndex] ?? '', ms: rowMs(row[timeIndex] ?? '', time) }))
  const timed = readings.filter(({ ms }) => !Number.isNaN(ms))
  const intervalMs = medianInterval(timed)
  const guess = { columns, time, key, intervalMs, timeless: readings.length - timed.length, disordered: disorder(timed, intervalMs ?? 0) }
  return { ...guess, said: explainGuess(guess) }
}

/** Milliseconds of a cell of the time column; NaN when it holds none. */
export function rowMs (cell: string, { epoch }: Pick<ColumnGuess, 'epoch'>): number {
  if (isMissing(cell)) return Number.NaN
  return epoch === null ? timeMs(cell) : Number(cell) * epochUnitsMs[epoch.unit]
}

/** A rule passes over a reading older than the last of its device; windows over one that is older than all by more than the lateness. */
function disorder (timed: readonly { readonly key: string, readonly ms: number }[], toleranceMs: number): number {
  const latestOf = new Map<string, number>()
  let latest = Number.NEGATIVE_INFINITY
  let many = 0
  for (const { key, ms } of timed) {
    const own = latestOf.get(key) ?? ms
    if (ms < own || ms < latest - toleranceMs) many += 1
    latestOf.set(key, Math.max(own, ms))
    latest = Math.max(latest, ms)
  }
  return many
}

const epochUnitsMs = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 } as const
const timeName = /(^|[^a-z])(ts|time|timestamp|date|datetime|at|epoch|unix)([^a-z]*(s|ms|us|ns|utc|gmt))?[^a-z]*$|[a-z](Time|Timestamp|Date|At)$/i
const keyName = /(^|[^a-z])(id|key|name|device|sensor|machine|unit|truck|serial|tag|asset|node|station|room|location|site|meter|pump|channel|host)s?$|[a-z](Id|ID|Name)$/i
const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

function guessColumn (header: string, field: string, cells: readonly string[]): ColumnGuess {
  const values = cells.filter(cell => !isMissing(cell))
  const every = (holds: (cell: string) => boolean) => values.length > 0 && values.every(cell => holds(cell.trim()))
  const base = { header, field, nullable: values.length < cells.length, distinct: new Set(values).size, unit: null, numbers: null, epoch: null }
  if (every(cell => !Number.isNaN(timeMs(cell)))) return { ...base, kind: 'time' }
  if (every(cell => /^(true|false)$/i.test(cell))) return { ...base, kind: 'bool' }
  if (!every(cell => number.test(cell))) {
    // Words such as "none" are values in a column of texts.
    const texts = cells.filter(cell => cell !== '')
    return { ...base, kind: 'text', nullable: texts.length < cells.length, distinct: new Set(texts).size }
  }
  const numbers = numbersOf(values.map(Number))
  const unit = timeName.test(header.trim()) ? epochUnit(numbers.median) : null
  if (unit !== null) return { ...base, kind: 'time', epoch: { unit, whole: every(cell => /^[+-]?\d+$/.test(cell)) } }
  return { ...base, kind: 'number', unit: unitOf(header), numbers }
}

function numbersOf (values: readonly number[]): Numbers {
  const sorted = Float64Array.from(values).sort()
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!
  const max = at(1)
  return { min: at(0), max, p99: at(0.99), median: at(0.5), below: sorted.findLast(value => value < max) ?? null, counter: values.every((value, i) => i === 0 || value >= values[i - 1]!) }
}

/** Of an epoch number, by its size: seconds, milliseconds, microseconds or nanoseconds of 1990 to 2100. */
function epochUnit (value: number): EpochUnit | null {
  const fits = (unit: EpochUnit) => value * epochUnitsMs[unit] > 631_152_000_000 && value * epochUnitsMs[unit] < 4_102_444_800_000
  return (Object.keys(epochUnitsMs) as EpochUnit[]).find(fits) ?? null
}

const unitNames: readonly (readonly [RegExp, string])[] = [
  [/celsius|°\s*c\b|℃|temp\w*[\W_]+c\W*$|temp(erature)?C$/i, 'Cel'], [/fahrenheit|°\s*f\b|℉|temp\w*[\W_]+f\W*$|temp(erature)?F$/i, '[degF]'], [/kelvin|temp\w*[\W_]+k\W*$|temp(erature)?K$/i, 'K'],
  [/humidity|percent|%|(^|[\W_])pct$|Pct$/i, '%'], [/hpa\W*$/i, 'hPa'], [/kpa\W*$/i, 'kPa'], [/mbar\W*$/i, 'mbar'], [/(^|[\W_])bar\W*$/i, 'bar'], [/psi\W*$/i, '[psi]'],
  [/volt(s|age)?\W*$|[[(]v[\])]$/i, 'V'], [/amp(s|ere|eres)?\W*$|[[(]a[\])]$/i, 'A'], [/kwh\W*$/i, 'kW.h'], [/kw\W*$|kilowatts?\W*$/i, 'kW'], [/watts?\W*$|[[(]w[\])]$/i, 'W'],
  [/rpm\W*$/i, '{rpm}/min'], [/km[_/]?h\W*$|kmph\W*$/i, 'km/h'], [/m\/s\W*$/i, 'm/s'], [/[[(]hz[\])]$|_hz$/i, 'Hz'], [/[[(]mm[\])]$|_mm$/i, 'mm'],
]
const unitOf = (header: string) => unitNames.find(([pattern]) => pattern.test(header.trim()))?.[1] ?? null

function guessKey (columns: readonly ColumnGuess[], rowCount: number): ColumnGuess | null {
  const repeats = (column: ColumnGuess) => !column.nullable && column.distinct <= Math.max(2, rowCount / 2)
  const candidates = columns.filter(column => column.kind === 'text' && repeats(column))
  return candidates.find(column => keyName.test(column.header.trim())) ?? columns.find(column => column.kind === 'number' && Number.isInteger(column.numbers!.median) && keyName.test(column.header.trim()) && repeats(column))
    ?? candidates[0] ?? null
}

function medianInterval (readings: readonly { readonly key: string, readonly ms: number }[]): number | null {
  const last = new Map<string, number>()
  const steps: number[] = []
  for (const { key, ms } of readings) {
    const before = last.get(key)
    if (before !== undefined && ms !== before) steps.push(Math.abs(ms - before))
    last.set(key, ms)
  }
  const median = steps.sort((a, b) => a - b)[steps.length >> 1]
  return median === undefined ? null : Math.max(1, Math.round(median))
}

function explainGuess ({ columns, time, key, intervalMs }: Omit<TableGuess, 'said'>): readonly string[] {
  const said = [`time: column "${time.header}", ${time.epoch === null ? 'dates as text, UTC where no zone is named' : `epoch numbers in ${time.epoch.unit}`}`]
  said.push(key === null ? 'key: no column names a device, so every row belongs to one device, "device-1"' : `key: column "${key.header}" names the device, ${key.distinct} distinct`)
  if (intervalMs !== null) said.push(`interval: a device reports every ${intervalMs >= 10_000 ? Math.round(intervalMs / 1000) : intervalMs / 1000} s (median)`)
  for (const column of columns) {
    if (column.field !== column.header) said.push(`name: "${column.header}" became ${column.field}`)
    if (column.unit !== null) said.push(`unit: ${column.field} is in ${column.unit}, from its name`)
    if (column.nullable) said.push(`${column.field} may be missing`)
  }
  return said
}
