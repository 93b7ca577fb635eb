/** What a column of a CSV file looks like, from a sample of its cells. */
export interface ColumnGuess {
  /** As in the file. */
  readonly header: string
  /** As Avro allows: letters, digits, underscores. */
  readonly field: string
  readonly kind: 'time' | 'number' | 'bool' | 'text'
  readonly nullable: boolean
  readonly distinct: number
  readonly unit: string | null
  /** Of a number column. */
  readonly numbers: { readonly min: number, readonly max: number, readonly p99: number, readonly median: number } | null
  /** Of a time column: epoch numbers are this many milliseconds per unit; null for dates as text. */
  readonly unitMs: number | null
}

export interface TableGuess {
  readonly columns: readonly ColumnGuess[]
  readonly time: ColumnGuess
  /** Null: no column names a device; all rows are one device. */
  readonly key: ColumnGuess | null
  /** Median distance between readings of one device, in milliseconds. */
  readonly intervalMs: number | null
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
  const time = times.find(column => timeName.test(column.header)) ?? times[0]
  if (time === undefined) throw new Error('no column holds times: give one a name such as "timestamp" and ISO 8601 or epoch values')
  const key = guessKey(columns, rows.length)
  const keyIndex = key === null ? -1 : columns.indexOf(key)
  const intervalMs = medianInterval(rows.map(row => ({ key: row[keyIndex] ?? '', ms: timeMs(row[columns.indexOf(time)] ?? '', time.unitMs) })))
  return { columns, time, key, intervalMs, said: explainGuess({ columns, time, key, intervalMs }) }
}

const timeName = /^(ts|time|timestamp|date|datetime|at|measured_?at|recorded_?at|event_?time)$/i
const keyName = /(^|_)(id|key|name|device|sensor|machine|unit|truck|serial|tag)s?$|(Id|Name)$/
const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const isoTime = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/

function fieldNames (header: readonly string[]): readonly string[] {
  const taken = new Set<string>()
  return header.map((name, i) => {
    const base = name.trim().normalize('NFKD').replace(/[^A-Za-z0-9_]+/g, '_').replace(/^_+|_+$/g, '').replace(/^(\d)/, '_$1') || `column_${i + 1}`
    let field = base
    for (let n = 2; taken.has(field); n += 1) field = `${base}_${n}`
    taken.add(field)
    return field
  })
}

function guessColumn (header: string, field: string, cells: readonly string[]): ColumnGuess {
  const present = cells.filter(cell => cell !== '')
  const distinct = new Set(present).size
  const base = { header, field, nullable: present.length < cells.length, distinct, unit: null, numbers: null, unitMs: null }
  const every = (pattern: RegExp) => present.length > 0 && present.every(cell => pattern.test(cell.trim()))
  if (every(isoTime)) return { ...base, kind: 'time' }
  if (every(/^(true|false)$/i)) return { ...base, kind: 'bool' }
  if (!every(number)) return { ...base, kind: 'text' }
  const sorted = present.map(Number).sort((a, b) => a - b)
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!
  const unitMs = timeName.test(header) ? epochUnitMs(at(0.5)) : null
  if (unitMs !== null) return { ...base, kind: 'time', unitMs }
  return { ...base, kind: 'number', unit: unitOf(header), numbers: { min: at(0), max: at(1), p99: at(0.99), median: at(0.5) } }
}

/** Milliseconds per unit of an epoch number, by its size: seconds, milliseconds, microseconds or nanoseconds of 1990 to 2100. */
function epochUnitMs (value: number): number | null {
  for (const unitMs of [1000, 1, 1e-3, 1e-6]) {
    const ms = value * unitMs
    if (ms > 631_152_000_000 && ms < 4_102_444_800_000) return unitMs
  }
  return null
}

const unitNames: readonly (readonly [RegExp, string])[] = [
  [/celsius|_c$|temp(erature)?C$/i, 'Cel'], [/fahrenheit|_f$|temp(erature)?F$/i, '[degF]'], [/kelvin|_k$/i, 'K'],
  [/humidity|percent|_pct$/i, '%'], [/hpa$/i, 'hPa'], [/kpa$/i, 'kPa'], [/bar$/i, 'bar'], [/psi$/i, '[psi]'],
  [/volt(s|age)?$|_v$/i, 'V'], [/amp(s|ere)?$|current|_a$/i, 'A'], [/kwh$/i, 'kW.h'], [/watts?$|_w$/i, 'W'], [/rpm$/i, '{rpm}/min'], [/km_?h$|kmh/i, 'km/h'],
]
const unitOf = (header: string) => unitNames.find(([pattern]) => pattern.test(header))?.[1] ?? null

function guessKey (columns: readonly ColumnGuess[], rowCount: number): ColumnGuess | null {
  const repeats = (column: ColumnGuess) => !column.nullable && column.distinct <= Math.max(1, rowCount / 2)
  const candidates = columns.filter(column => column.kind === 'text' && repeats(column))
  return candidates.find(column => keyName.test(column.header)) ?? columns.find(column => column.kind === 'number' && Number.isInteger(column.numbers!.median) && keyName.test(column.header) && repeats(column))
    ?? candidates[0] ?? null
}

/** Epoch number or date text to milliseconds; a text without a zone is UTC. */
export function timeMs (cell: string, unitMs: number | null): number {
  if (unitMs !== null) return Number(cell) * unitMs
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(cell) ? cell.replace(' ', 'T') : `${cell.length === 10 ? `${cell}T00:00:00` : cell.replace(' ', 'T')}Z`)
}

function medianInterval (readings: readonly { readonly key: string, readonly ms: number }[]): number | null {
  const last = new Map<string, number>()
  const steps: number[] = []
  for (const { key, ms } of readings) {
    const before = last.get(key)
    if (before !== undefined && ms > before) steps.push(ms - before)
    last.set(key, ms)
  }
  return steps.sort((a, b) => a - b)[steps.length >> 1] ?? null
}

function explainGuess ({ columns, time, key, intervalMs }: Omit<TableGuess, 'said'>): readonly string[] {
  const said = [`time: column "${time.header}", ${time.unitMs === null ? 'dates as text, UTC where no zone is named' : `epoch numbers in ${{ 1000: 's', 1: 'ms', 0.001: 'us', 0.000001: 'ns' }[time.unitMs]}`}`]
  said.push(key === null ? 'key: no column names a device, so every row belongs to one device, "device-1"' : `key: column "${key.header}", ${key.distinct} distinct`)
  if (intervalMs !== null) said.push(`interval: a device reports every ${Math.round(intervalMs / 1000)} s (median)`)
  for (const column of columns) {
    if (column.field !== column.header) said.push(`name: "${column.header}" became ${column.field} (Avro allows letters, digits and _)`)
    if (column.unit !== null) said.push(`unit: ${column.field} is in ${column.unit}, from its name`)
    if (column.nullable) said.push(`${column.field} may be missing`)
  }
  return said
}
