import * as z from 'zod'
import { keepSchema, statisticWords } from './schema-keep.ts'
import { contractSchema, duration, identifier, label, name } from './schema-words.ts'

/**
 * The one description of a definition: its checks, defaults, JSON Schema (editors) and reference page are printed from here.
 *
 * Shape: output = input with defaults filled in, so a checked definition is a valid definition again
 */
const mapping = z.union([
  z.string().min(1).describe('CEL over the contract\'s fields, for example `door == 1`'),
  z.null().describe('this source has no such signal: it is unknown'),
  z.strictObject({
    field: z.string().optional().describe('a field of the contract; fields of nested records are written with a dot'),
    from: z.string().optional().describe('UCUM code of the field; default: the unit the contract gives it, else the signal\'s own'),
    scale: z.number().optional().describe('calibration before the unit is converted: value * scale + offset'),
    offset: z.number().optional().describe('in the unit of the field'),
    range: z.union([z.tuple([z.number(), z.number()]), z.strictObject({
      min: z.number().optional(),
      max: z.number().optional(),
      outside: z.enum(['unknown', 'dead-letter', 'keep']).default('unknown'),
    })]).optional().describe('lowest and highest believable value in the signal\'s unit; outside of it the value is unknown, or as `outside` says'),
    table: z.string().optional().describe('a table, looked up by the reading\'s key'),
    column: z.string().optional().describe('a column of the table'),
    else: z.union([z.string(), z.number(), z.boolean(), z.null()]).optional().describe('the value where the table has no such row or cell; default: unknown'),
    map: z.string().optional().describe('a function exported by the file that `functions` names'),
    args: z.array(z.string()).optional().describe('contract fields it is called with'),
  }).superRefine(oneForm({ field: ['from', 'scale', 'offset', 'range'], table: ['column', 'else'], map: ['args'] })),
]).meta({ id: 'Mapping' })

const dedupe = z.strictObject({
  by: z.array(z.string()).min(1).describe('contract fields that, with the key, tell a repeated reading'),
  within: duration('1h').describe('how long a reading is remembered, by arrival'),
}).describe('drop readings seen before')

const timeField = {
  field: z.string().describe('the contract field that says when the reading was taken'),
  unit: z.enum(['s', 'ms', 'us', 'ns']).optional().describe('unit of a plain number; default: milliseconds. A timestamp type of the contract says it itself'),
}
const timePolicy = {
  lateness: duration('0s').describe('how far behind the highest time a reading may be and still count'),
  idle: duration('1m').describe('silence after which time goes on without readings'),
  futureMax: duration('5m').describe('a reading stamped further than this past its arrival is a dead letter'),
  watermark: z.literal('explicit').optional().describe('the watermark comes from outside, readings do not move it'),
}
const normalise = z.record(identifier('signal'), mapping)

const sourceBody = {
  topic: z.string().min(1).optional().describe('default: the name of the source (in the short form, of the pipeline)'),
  contract: contractSchema,
  interval: duration().optional().describe('distance between readings of one device; gives results their `expected`'),
  dedupe: dedupe.optional(),
}

const source = z.strictObject({
  ...sourceBody,
  key: z.string().describe('the contract field that names the device'),
  time: z.strictObject(timeField).describe('which field it is, and in which unit'),
  normalise: normalise.describe('every signal of the pipeline from this contract\'s fields'),
}).meta({ id: 'Source' })

/** One source: `key`, `time` and `normalise` stand beside it, or in it. */
const onlySource = z.strictObject({
  ...sourceBody,
  key: z.string().optional().describe('as beside the source'),
  time: z.strictObject({
    ...timeField, lateness: duration().optional(), idle: duration().optional(), futureMax: duration().optional(), watermark: timePolicy.watermark,
  }).optional().describe('as beside the source'),
  normalise: normalise.optional().describe('as beside the source'),
}).meta({ id: 'OnlySource' })

const operator = z.strictObject({
  reads: z.array(z.string()).default([]).describe('signals it is given'),
  writes: z.array(z.string()).min(1).describe('signals it fills; declared in `signals`, mapped by no source'),
}).meta({ id: 'Operator' })

const window = z.strictObject({
  tumbling: duration().optional().describe('windows of this size, one after another'),
  hopping: z.tuple([duration(), duration()]).optional().describe('size and advance: overlapping windows'),
  session: duration().optional().describe('readings no further apart than this gap belong together'),
  keep: keepSchema.describe(`what is kept of each window: ${statisticWords.join(', ')} or a user statistic`),
  emit: z.union([z.enum(['close', 'update']), z.strictObject({ every: duration() })]).default('close').describe('once at close; at each change as well; or early results at this pace of arrival'),
  allowedLateness: duration('0s').describe('a reading this late after close still corrects the result, with the next revision'),
}).superRefine((given, context) => {
  const shapes = (['tumbling', 'hopping', 'session'] as const).filter(shape => given[shape] !== undefined)
  if (shapes.length !== 1) context.addIssue({ code: 'custom', path: [], message: shapes.length === 0 ? 'a window is one of tumbling, hopping, session' : `a window is one of tumbling, hopping, session, not ${shapes.join(' and ')}` })
}).meta({ id: 'Window' })

const rule = z.strictObject({
  when: z.string().min(1).optional().describe('CEL condition over signals, or over the window\'s `keep` names'),
  window: z.string().optional().describe('the rule watches this window\'s results, each once, at close'),
  for: z.union([duration(), z.int().min(1)]).optional().describe('how long it must hold before the alert is raised, in event time; on windows: how many in a row'),
  gap: duration().optional().describe('true readings further apart than this begin anew'),
  clear: z.string().min(1).optional().describe('CEL condition that ends a firing alert; default: not `when`'),
  keepFiring: duration().optional().describe('a firing alert is cleared by the first reading this long after the one that would have cleared it, with none between that would not'),
  atLeast: z.tuple([z.int().min(1), z.int().min(1).max(1_000)]).optional().describe('[3, 5]: three of the last five'),
  absent: duration().optional().describe('raise when a device is silent this long, by arrival'),
  registry: z.string().optional().describe('a table: its keys count as known devices, heard or not; with several sources, its column "source" names the one a device sends to'),
  missing: z.union([z.literal('hold'), z.boolean()]).default('hold').describe('what a condition over a missing value counts as'),
  order: z.enum(['arrival', 'event']).default('arrival').describe('`event` waits for the watermark and evaluates in order of event time'),
  early: z.boolean().default(false).describe('a rule on a window sees early results too'),
  severity: z.enum(['info', 'warning', 'critical']).default('warning').describe('how bad it is'),
  labels: z.array(z.string()).default([]).describe('signals (or `keep` names) copied into the event'),
  ttl: duration().optional().describe('an event not acted on expires this long after its arrival'),
  summary: z.string().optional().describe('text of the event; `{{name}}` stands for a value, a label or `key`'),
}).meta({ id: 'Rule' })

const signal = z.union([
  z.enum(['number', 'bool', 'text']),
  z.strictObject({ unit: z.string().describe('UCUM code, for example Cel, [degF], km/h') }),
]).meta({ id: 'Signal' })

const table = z.strictObject({
  topic: z.string().min(1).optional().describe('a compacted topic; default: the table\'s name'),
  contract: contractSchema,
  key: z.string().optional().describe('the contract field that holds the row\'s key; default: its first text field'),
}).meta({ id: 'Table' })

export const definitionSchema = z.strictObject({
  name: name.describe('unique and stable: topics, groups and state are named after it'),
  description: z.string().optional().describe('a line for people'),
  signals: z.record(identifier('signal'), signal).optional().describe('what every stage after normalise sees; required with `sources`'),
  tables: z.record(label('table'), table).default({}).describe('compacted topics, looked up by key'),
  source: onlySource.optional().describe('the short form: one source'),
  sources: z.record(label('source'), source).optional().describe('several device models onto one set of signals'),
  key: z.string().optional().describe('short form: the contract field that names the device'),
  time: z.strictObject({ ...timePolicy, field: timeField.field.optional(), unit: timeField.unit }).prefault({}).describe('what event time is, and how late it may come'),
  interval: duration().optional().describe('short form: distance between readings of one device'),
  dedupe: dedupe.optional(),
  normalise: normalise.optional().describe('short form: signals from fields'),
  operators: z.record(identifier('operator'), operator).default({}).describe('steps of your own between normalise and windows, exported by these names from the file that `functions` names'),
  windows: z.record(label('window'), window).default({}).describe('statistics per device and interval of event time'),
  rules: z.record(label('rule'), rule).default({}).describe('conditions over readings or windows that raise and clear alerts'),
  control: z.strictObject({
    topic: z.string().min(1).optional().describe('default: the pipeline\'s name and `.control`'),
    delivery: z.enum(['exactly-once', 'express', 'at-least-once']).default('exactly-once').describe('express: visible when produced, repeated with the same id after a failure'),
  }).optional().describe('where control events go'),
  lake: z.strictObject({
    keyspace: z.string().regex(/^[a-z][a-z0-9_]{0,47}$/, 'lower-case letters, digits and _, at most 48').optional().describe('default: the pipeline\'s name'),
    raw: z.strictObject({
      ttl: duration().optional().describe('how long, by arrival; default: for ever'),
      mode: z.enum(['rows', 'chunks']).default('rows').describe('on Cassandra: a row for each reading, or many readings of a device compressed into one'),
      chunk: z.strictObject({
        readings: z.int().min(1).max(10_000).default(500).describe('a device\'s chunk ends with so many'),
        within: duration('10m').describe('and with this much time of arrival: as long may it take until a reading is seen in the lake'),
      }).prefault({}).describe('in `mode: chunks`: where a chunk ends'),
      fields: z.boolean().default(false).describe('on Cassandra, in `mode: rows`: also a table of each source with the fields of its contract as they were sent, whatever their type'),
      bucket: z.enum(['minute', 'hour', 'day', 'month', 'year']).optional().describe('on Cassandra: event time in one partition of a device; default: from `interval`, so that a partition has at most 100,000 readings'),
    }).prefault({}).describe('how readings are kept'),
    ttl: z.strictObject({
      rollups: duration().optional(),
      events: duration().optional().describe('alerts'),
      letters: duration().optional().describe('dead letters and late readings'),
    }).default({}).describe('how long everything else is kept; default: for ever'),
    rollups: z.array(z.string()).optional().describe('windows stored as tables; default: all'),
    allowedLateness: duration('48h').describe('a rollup is corrected this long'),
  }).optional().describe('the pond: readings, rollups and events stored'),
  functions: z.union([
    z.string().regex(/^\.\.?\/.*\.[mc]?[jt]s$/, 'a path such as ./functions.ts, from the definition\'s folder'),
    z.custom<Readonly<Record<string, unknown>>>(value => typeof value === 'object' && value !== null, 'a path such as ./functions.ts, or the module itself').meta({ id: 'Module' }),
  ]).optional().describe('the file whose exports `map`, user statistics and `operators` name'),
  limits: z.strictObject({
    keys: z.int().min(1).default(1_000_000).describe('devices per partition'),
    panes: z.int().min(1).default(4_000_000).describe('open windows per window definition and partition'),
    dedupe: z.int().min(1).default(1_000_000).describe('readings remembered by dedupe per partition'),
    open: z.int().min(8).default(1_000_000).describe('readings in open chunks of the lake per partition'),
  }).prefault({}).describe('bounds; what goes beyond is a dead letter with the reason'),
})

/** What a user writes. */
export type WrittenDefinition = z.input<typeof definitionSchema>
/** The same with every default filled in and contracts resolved. */
export type CheckedDefinition = z.output<typeof definitionSchema>
export type CheckedRule = z.output<typeof rule>
export type CheckedWindow = z.output<typeof window>
export type CheckedMapping = z.output<typeof mapping>
export type CheckedSource = z.output<typeof source>

/** An object with exactly one of several leading words, each with the words that may go with it. */
function oneForm (forms: Readonly<Record<string, readonly string[]>>) {
  return (given: Readonly<Record<string, unknown>>, context: z.core.$RefinementCtx): void => {
    const leads = Object.keys(forms).filter(lead => given[lead] !== undefined)
    if (leads.length !== 1) {
      context.addIssue({ code: 'custom', path: [], message: `a mapping has one of ${Object.keys(forms).join(', ')}` })
      return
    }
    const lead = leads[0]!
    for (const word of Object.keys(given)) {
      if (word !== lead && given[word] !== undefined && !forms[lead]!.includes(word)) context.addIssue({ code: 'custom', path: [word], message: `"${word}" does not go with "${lead}"` })
    }
    if (lead === 'table' && given.column === undefined) context.addIssue({ code: 'custom', path: [], message: '"table" needs "column"' })
  }
}
