import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { checkDefinition } from '../../../pipelines/define/check.ts'

const repository = resolve(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'millrace-mistakes-'))
after(() => { rmSync(folder, { recursive: true }) })

const reading = `{"type":"record","name":"Reading","fields":[
  {"name":"id","type":"string"},{"name":"ts","type":"long"},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"seq","type":"int"},
  {"name":"value","type":["null","double"],"unit":"Cel","default":null},{"name":"door","type":"int"},{"name":"tags","type":{"type":"array","items":"string"}},
  {"name":"place","type":{"type":"record","name":"Place","fields":[{"name":"lat","type":"double"},{"name":"name","type":"string"}]}}]}`
const device = '{"type":"record","name":"Device","fields":[{"name":"id","type":"string"},{"name":"site","type":"string"},{"name":"maxC","type":"double","unit":"Cel"},{"name":"maxF","type":"double","unit":"[degF]"}]}'
writeFileSync(join(folder, 'reading.avsc'), reading)
writeFileSync(join(folder, 'device.avsc'), device)
writeFileSync(join(folder, 'functions.mts'), `
export const twice = (value: number) => value * 2
export const spread = { create: () => 0, add: (state: number, value: number) => state + value, merge: (a: number, b: number) => a + b, result: (state: number) => state }
`)

/** One member of the definition a line, in what YAML and TypeScript have in common; « stands where the mistake is told. */
type Case = readonly [name: string, lines: readonly string[], message: RegExp]

const short = ["name: 'x'", 'source: { contract: READING }', "key: 'id'", "time: { field: 'ts' }"]
const signals = "signals: { celsius: { unit: 'Cel' }, open: 'bool', site: 'text' }"
const devices = 'tables: { devices: { contract: DEVICE } }'
const long = (normalise: string) => ["name: 'x'", signals, devices, `sources: { a: { contract: READING, key: 'id', time: { field: 'ts' }, normalise: { ${normalise} } } }`]
const good = "celsius: { field: 'value' }, open: 'door == 1', site: null"
const minute = "windows: { minute: { tumbling: '1m', keep: { mean: { mean: 'value' }, n: 'count' } } }"

const cases: readonly Case[] = [
  ['an unknown word at the top', [...short, '«window: {}'], /there is no "window" here.*did you mean "windows"/],
  ['no source at all', ["name: 'x'"], /"source" is missing/],
  ['both forms at once', [...short, '«sources: {}'], /either "source" or "sources"/],
  ['a missing key', [short[0]!, short[1]!, short[3]!], /"key" is missing/],
  ['a missing time field', [short[0]!, short[1]!, short[2]!], /"time.field" is missing/],
  ['a name that cannot be used', ["name: «'a b'", ...short.slice(1)], /a pipeline's name is letters/],
  ['a name of another type', ['name: «5', ...short.slice(1)], /a text is wanted here, not 5/],
  ['a key that is no field', [short[0]!, short[1]!, "key: «'idd'", short[3]!], /no field "idd".*did you mean "id"/],
  ['a key that is neither text nor whole', [short[0]!, short[1]!, "key: «'value'", short[3]!], /the key is a text or a whole number, and "value" is/],
  ['a time that is no number', [...short.slice(0, 3), "time: { field: «'id' }"], /a number or a timestamp, and "id" is string/],
  ['a time field that is none', [...short.slice(0, 3), "time: { field: «'tss' }"], /no time field "tss".*did you mean "ts"/],
  ['a unit beside a timestamp type', [...short.slice(0, 3), "time: { field: 'at', unit: «'s' }"], /says its unit itself/],
  ['a wrong unit of time', [...short.slice(0, 3), "time: { field: 'ts', unit: «'sec' }"], /"sec" is not one of s, ms, us, ns/],
  ['a duration that is none', [...short.slice(0, 3), "time: { field: 'ts', lateness: «'30 seconds' }"], /a duration is a whole amount and a unit/],
  ['a duration without a unit', [...short.slice(0, 3), "time: { field: 'ts', lateness: «30 }"], /a duration is a whole amount and a unit/],
  ['a misspelt word of time', [...short.slice(0, 3), "time: { field: 'ts', «latness: '5s' }"], /no "latness".*did you mean "lateness"/],
  ['dedupe by no field', [...short, "dedupe: { by: ['seq', «'sq'] }"], /no field "sq".*did you mean "seq"/],
  ['sources without signals', ["name: 'x'", "sources: { a: { contract: READING, key: 'id', time: { field: 'ts' }, normalise: {} } }"], /"signals" is missing/],
  ['a missing mapping', long("celsius: null, open: null").map(line => line.replace('normalise', '«normalise')), /nothing is mapped onto the signal "site"/],
  ['a mapping onto no signal', long(`${good}, «celcius: null`), /no signal "celcius".*did you mean "celsius"/],
  ['a mapping from no field', long("celsius: { field: «'valu' }, open: null, site: null"), /no field "valu".*did you mean "value"/],
  ['a mapping from a list', long("celsius: { field: «'tags' }, open: null, site: null"), /"tags" is array of string, the signal "celsius" is number/],
  ['a mapping from a field of another kind', long("celsius: null, open: { field: «'door' }, site: null"), /"door" is int.*write a condition, for example "door == 1"/],
  ['an unknown word of a mapping', long("celsius: { field: 'value', «frm: 'K' }, open: null, site: null"), /no "frm".*did you mean "from"/],
  ['two forms of a mapping in one', long("«celsius: { field: 'value', table: 'devices' }, open: null, site: null"), /a mapping has one of field, table, map/],
  ['an unknown unit', long("celsius: { field: 'value', from: «'Celsius' }, open: null, site: null"), /Cannot read unit.*did you mean/],
  ['a unit of another dimension', long("celsius: { field: 'value', from: «'km' }, open: null, site: null"), /Cannot convert between units of different dimensions/],
  ['an unknown unit of a signal', ["name: 'x'", "signals: { celsius: { unit: «'degC' } }", 'source: { contract: READING }', "key: 'id'", "time: { field: 'ts' }", "normalise: { celsius: null }"], /Cannot read unit/],
  ['a range the wrong way round', long("celsius: { field: 'value', range: [5, 1] }, open: null, site: null").map(line => line.replace('range', '«range')), /the lowest value of a range comes first/],
  ['a mapping from no table', long("celsius: null, open: null, site: { table: «'device', column: 'site' }"), /no table "device".*did you mean "devices"/],
  ['a mapping from no column', long("celsius: null, open: null, site: { table: 'devices', column: «'sit' }"), /no column of "devices" "sit".*did you mean "site"/],
  ['a column of another kind', long("celsius: null, open: null, site: { table: 'devices', column: «'maxC' }"), /the column "maxC" is double, the signal "site" is text/],
  ['a column in another unit', long("celsius: { table: 'devices', column: «'maxF' }, open: null, site: null"), /"maxF" is in \[degF\], the signal "celsius" in Cel/],
  ['an else of another kind', long("celsius: null, open: null, site: { table: 'devices', column: 'site', else: «3 }"), /3 is no text/],
  ['an expression that is no CEL', long("celsius: null, open: 'door == «', site: null"), /Cannot read expression/],
  ['an expression over no field', long("celsius: null, open: 'door == 1 && «dor == 2', site: null"), /name="dor"; did you mean "door"/],
  ['an expression of another kind', long("celsius: null, open: '«value', site: null"), /boolean.*number/],
  ['a comparison of units that do not fit', [...short, "normalise: { miles: { field: 'value', from: 'km' } }", "rules: { r: { when: '«miles > value' } }"], /unit|dimension/i],
  ['a function without a file of functions', long("celsius: { map: «'twice', args: ['value'] }, open: null, site: null"), /names no file of functions/],
  ['a function that is not exported', [...long("celsius: { map: «'twise', args: ['value'] }, open: null, site: null"), "functions: './functions.mts'"], /exports no function "twise".*did you mean "twice"/],
  ['a file of functions that is missing', [...short, "functions: «'./functons.mts'"], /cannot import "\.\/functons\.mts"/],
  ['an argument that is no field', [...long("celsius: { map: 'twice', args: [«'valu'] }, open: null, site: null"), "functions: './functions.mts'"], /no field "valu"/],
  ['a window of no shape', [...short, "windows: { «minute: { keep: { n: 'count' } } }"], /a window is one of tumbling, hopping, session/],
  ['a window of two shapes', [...short, "windows: { «minute: { tumbling: '1m', session: '5s', keep: { n: 'count' } } }"], /not tumbling and session/],
  ['an advance longer than the size', [...short, "windows: { hour: { hopping: ['5m', «'1h'], keep: { n: 'count' } } }"], /the advance is at most the size/],
  ['a window of no length', [...short, "windows: { hour: { tumbling: «'0s', keep: { n: 'count' } } }"], /longer than nothing/],
  ['a window that keeps nothing', [...short, "windows: { hour: { tumbling: '1h', «keep: {} } }"], /keep at least one statistic/],
  ['a wrong way to emit', [...short, "windows: { hour: { tumbling: '1h', emit: «'clos', keep: { n: 'count' } } }"], /did you mean "close"/],
  ['a wrong word for a statistic', [...short, "windows: { hour: { tumbling: '1h', keep: { n: «'cout' } } }"], /did you mean "count"/],
  ['an unknown statistic', [...short, "windows: { hour: { tumbling: '1h', keep: { n: { «men: 'value' } } } }"], /no statistic "men".*did you mean "mean"/],
  ['two statistics in one', [...short, "windows: { hour: { tumbling: '1h', keep: { «n: { min: 'value', max: 'value' } } } }"], /not min and max/],
  ['a statistic of no signal', [...short, "windows: { hour: { tumbling: '1h', keep: { n: { mean: «'valu' } } } }"], /no signal "valu".*did you mean "value"/],
  ['the mean of a text', [...short, "windows: { hour: { tumbling: '1h', keep: { n: { mean: «'id' } } } }"], /"mean" reads numbers, and the signal "id" is text/],
  ['a quantile beyond one', [...short, "windows: { hour: { tumbling: '1h', keep: { n: { quantile: ['value', «99] } } } }"], /<1/],
  ['a user statistic that is not exported', [...short, "functions: './functions.mts'", "windows: { hour: { tumbling: '1h', keep: { n: { «spred: 'value' } } } }"], /exports no such statistic; did you mean "spread"/],
  ['a name of a statistic that CEL cannot read', [...short, "windows: { hour: { tumbling: '1h', keep: { «'a-b': 'count' } } }"], /a statistic's name is letters, digits and _/],
  ['a rule without a condition', [...short, "rules: { «r: { severity: 'info' } }"], /a rule has "when" or "absent"/],
  ['a rule with both', [...short, "rules: { «r: { when: 'value > 1.0', absent: '5m' } }"], /either "when" or "absent"/],
  ['a rule on no window', [...short, minute, "rules: { r: { window: «'minut', when: 'n > 1.0' } }"], /no window "minut".*did you mean "minute"/],
  ['a condition over no signal', [...short, "rules: { r: { when: '«valeu > 1.0' } }"], /did you mean "value"/],
  ['a condition over no statistic', [...short, minute, "rules: { r: { window: 'minute', when: '«mena > 1.0' } }"], /did you mean "mean"/],
  ['a clear that is no condition', [...short, "rules: { r: { when: 'value > 1.0', clear: '«value - 1.0' } }"], /boolean/],
  ['a wrong severity', [...short, "rules: { r: { when: 'value > 1.0', severity: «'critcal' } }"], /did you mean "critical"/],
  ['a label that is no signal', [...short, "rules: { r: { when: 'value > 1.0', labels: ['id', «'sit'] } }"], /no signal "sit"/],
  ['a label that is no statistic', [...short, minute, "rules: { r: { window: 'minute', when: 'n > 1.0', labels: [«'id'] } }"], /no statistic of the window "minute" "id"/],
  ['a count for a rule on readings', [...short, "rules: { r: { when: 'value > 1.0', for: «3 } }"], /on readings "for" is a duration/],
  ['a duration for a rule on windows', [...short, minute, "rules: { r: { window: 'minute', when: 'n > 1.0', for: «'5m' } }"], /on windows "for" is how many in a row/],
  ['more of fewer', [...short, "rules: { «r: { when: 'value > 1.0', atLeast: [5, 3] } }"].map(line => line.replace('«r', 'r').replace('atLeast', '«atLeast')), /5 of the last 3 can never be/],
  ['a word that does not go with absent', [...short, "rules: { r: { absent: '5m', «for: '1m' } }"], /"for" does not go with "absent"/],
  ['a registry that is no table', [...short, "rules: { r: { absent: '5m', registry: «'devices' } }"], /no table "devices"/],
  ['a registry without absent', [...short, devices, "rules: { r: { when: 'value > 1.0', «registry: 'devices' } }"], /"registry" goes with "absent"/],
  ['a summary that names nothing', [...short, "rules: { r: { when: 'value > 1.0', summary: 'at «{{valu}}' } }"], /did you mean "value"/],
  ['a planned word of a rule', [...short, "rules: { r: { «levels: {}, when: 'value > 1.0' } }"], /"levels" is planned/],
  ['a planned word of a window', [...short, "windows: { w: { «calendar: 'day', keep: { n: 'count' } } }"], /"calendar" is planned/],
  ['a planned statistic', [...short, "windows: { w: { tumbling: '1m', keep: { n: { «increase: 'value' } } } }"], /"increase" is planned/],
  ['a planned word of a signal', ["name: 'x'", "signals: { value: { unit: 'Cel', «hold: '5m' } }", ...short.slice(1)], /"hold" is planned/],
  ['a wrong delivery', [...short, "control: { delivery: «'express-once' }"], /is not one of exactly-once, express, at-least-once/],
  ['a rollup of no window', [...short, "signals: { value: { unit: 'Cel' } }", minute, "lake: { rollups: ['minute', «'hour'] }"], /no window "hour"/],
  ['windows of one name in the lake', [...short, "windows: { aB: { tumbling: '1m', keep: { n: 'count' } }, «a_b: { tumbling: '1m', keep: { n: 'count' } } }", "signals: { value: { unit: 'Cel' } }", 'lake: {}'], /in the lake the window "a_b" becomes "a_b", which is also the window "aB"/],
  ['a window of the lake\'s own name', [...short.slice(0, 3), "time: { field: 'ts' }", "signals: { value: { unit: 'Cel' } }", "windows: { «alertsByDay: { tumbling: '1m', keep: { n: 'count' } } }", 'lake: {}'], /"alertsByDay" becomes "alerts_by_day", which is a name that the lake needs itself/],
  ['a signal of the name of a column of the lake\'s keys', ["name: 'x'", "signals: { value: { unit: 'Cel' }, «firstArrival: 'text' }", ...short.slice(1), 'normalise: { firstArrival: null }', 'lake: {}'], /"firstArrival" becomes "first_arrival", which is a name that the lake needs itself/],
  ['a statistic of the lake\'s own name', [...short, "signals: { value: { unit: 'Cel' } }", "windows: { w: { tumbling: '1m', keep: { «received: 'count' } } }", 'lake: {}'], /the statistic "received" becomes "received"/],
  ['a field of the lake\'s own name in the short form', [...short, '«lake: {}'], /the signal "at" becomes "at".*declare signals/],
  ['the contract\'s fields beside chunks', [...short, "signals: { value: { unit: 'Cel' } }", "lake: { raw: { mode: 'chunks', fields: «true } }"], /"fields" goes with "mode: rows"/],
  ['a bound of nothing', [...short, 'limits: { keys: «0 }'], />=1/],
]

for (const [name, lines, message] of cases) {
  test(`define: ${name} is told in YAML where it stands`, async () => {
    const text = lines.join('\n').replaceAll('READING', "'reading.avsc'").replaceAll('DEVICE', "'device.avsc'")
    await checkText('case.yaml', text, message)
  })
  test(`define: ${name} is told in TypeScript where it stands`, async () => {
    const body = lines.map(line => `  ${line},`).join('\n').replaceAll('READING', 'reading').replaceAll('DEVICE', 'device')
    await checkText('case.mts', `import { contract } from '${repository}/schemas/contract.ts'
import { definePipeline } from '${repository}/pipelines/define/pipeline.ts'
const reading = contract({ subject: 'reading-value', version: 1, schema: ${JSON.stringify(reading)} })
const device = contract({ subject: 'device-value', version: 1, schema: ${JSON.stringify(device)} })

export default definePipeline({
${body}
} as never)
`, message)
  })
}

let number = 0
/** The file has exactly one problem: this one, at «; without « at the definition itself. */
async function checkText (name: string, marked: string, message: RegExp): Promise<void> {
  number += 1
  const file = join(folder, `${number}-${name}`)
  const before = marked.includes('«') ? marked.slice(0, marked.indexOf('«')) : null
  writeFileSync(file, marked.replace('«', ''))
  const problems = await checkDefinition(file)
  assert.equal(problems.length, 1, JSON.stringify(problems.map(problem => problem.message)))
  const [problem] = problems
  assert.match(problem!.message, message)
  if (before !== null) assert.deepEqual([problem!.line, problem!.column], [before.split('\n').length, before.length - before.lastIndexOf('\n')], problem!.message)
}

test('define: a definition without mistakes has no problems in YAML', async () => {
  const file = join(folder, 'fine.yaml')
  writeFileSync(file, [...long(good), "functions: './functions.mts'", "windows: { minute: { tumbling: '1m', keep: { s: { spread: 'celsius' } } } }"].join('\n').replaceAll('READING', 'reading.avsc').replaceAll('DEVICE', 'device.avsc'))
  assert.deepEqual(await checkDefinition(file), [])
})
