import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Command, millrace, repository, type Ran } from '../kit/cli.ts'
import { asLines, readings, rooms, roomsFolder } from '../kit/rooms.ts'

const { folder, definition, write } = roomsFolder()
const input = write('readings.jsonl', asLines(readings))
const machine = join(repository, 'examples/machine-temperature.yaml')
const objects = (text: string) => text.split('\n').filter(Boolean).map(line => JSON.parse(line))

/** Exit code, what stderr says. */
const refused: readonly (readonly [what: string, args: readonly string[], status: number, says: RegExp])[] = [
  ['no verb', [], 64, /Usage: millrace/],
  ['an unknown option', ['check', '--wat', definition], 64, /unknown option '--wat'/],
  ['a misspelt option', ['replay', definition, '--imput', input], 64, /unknown option '--imput'\n\(Did you mean --input\?\)/],
  ['no input', ['replay', definition], 64, /without --input/],
  ['an option without its argument', ['replay', definition, '--input'], 64, /argument missing/],
  ['an unknown kind', ['replay', definition, '--input', input, '--emit', 'windows,evnts'], 64, /no kind "evnts"/],
  ['a batch of nothing', ['replay', definition, '--input', input, '--batch', '0'], 64, /whole number from 1/],
  ['a table without a file', ['replay', definition, '--input', input, '--table', 'devices'], 64, /--table takes name=file/],
  ['a table that the definition has not', ['replay', definition, '--input', input, '--table', 'devices=x.csv'], 64, /Cannot fill the table "devices"/],
  ['a duration that is none', ['run', definition, '--for', '1x'], 64, /--for takes a duration such as 30s/],
  ['a form that is none', ['check', definition, '--output', 'xml'], 64, /Allowed choices are text, json/],
  ['dev without a definition', ['dev'], 64, /name one, or say --demo/],
  ['two definitions', ['check', definition, definition], 64, /too many arguments/],
  ['a place in the log that is none', ['tail', 'x', '--data', folder, '--limit', 'many'], 64, /--limit takes a whole number/],
  ['init into a full folder', ['init', repository], 64, /folder that is not empty/],
  ['init where a file is', ['init', definition], 64, /is a file/],
  ['a missing input', ['replay', definition, '--input', join(folder, 'nope.jsonl')], 65, /Cannot read the input: file=".*nope\.jsonl" code=ENOENT/],
  ['a folder as input', ['replay', definition, '--input', folder], 65, /Cannot read the input: .*code=EISDIR/],
  ['a missing input of a running pipeline', ['run', definition, '--input', join(folder, 'nope.jsonl'), '--data', join(folder, 'data')], 65, /Cannot read the input: .*ENOENT/],
  ['a quote that is never closed', ['replay', definition, '--input', write('open.csv', 'room,at\n"a,1\n')], 65, /CSV_QUOTE_NOT_CLOSED/],
  ['a missing CSV file', ['init', join(folder, 'new'), '--from-csv', join(folder, 'nope.csv')], 65, /Cannot read the CSV file: .*ENOENT/],
  ['a missing schema', ['types', join(folder, 'nope.avsc')], 65, /Cannot read the schema/],
  ['a watermark where the definition takes none', ['replay', definition, '--input', '-'], 65, /Cannot take a \$watermark/],
  ['a file as data folder', ['tail', '--data', definition], 69, /Cannot find a log/],
  ['a data folder that cannot be made', ['run', definition, '--data', join(definition, 'data')], 69, /Cannot make the data folder/],
  ['a folder without a log', ['tail', '--data', join(folder, 'none')], 69, /Cannot find a log/],
  ['a missing definition', ['replay', join(folder, 'nope.yaml'), '--input', input], 78, /Cannot load definition: file=".*nope\.yaml" reason="ENOENT"/],
  ['a folder as definition', ['explain', folder], 78, /Cannot load definition: .*EISDIR/],
  ['a definition of no known kind', ['check', input], 78, /a definition is a \.yaml, \.yml, \.json or \.ts file/],
]

for (const [what, args, status, says] of refused) {
  test(`cli: ${what} ends with ${status}, and nothing on stdout`, async () => {
    const ran = await millrace(args, { input: '{"$watermark": 1}\n', cwd: folder })
    assert.deepEqual([ran.status, ran.stdout], [status, ''], ran.stderr)
    assert.match(ran.stderr, says)
    assert.doesNotMatch(ran.stderr, /\n {4}at /, 'no stack trace')
  })
}

test('init: beside a CSV file says how to begin from it; from there it makes its project', async () => {
  const place = join(folder, 'beside')
  mkdirSync(place)
  write('beside/mine.csv', 'timestamp,celsius\n2026-01-01T00:00:00Z,1\n2026-01-01T00:01:00Z,2\n')
  const unasked = await millrace(['init'], { cwd: place })
  assert.deepEqual([unasked.status, /say --from-csv mine\.csv/.test(unasked.stderr)], [64, true], unasked.stderr)
  const asked = await millrace(['init', '--from-csv', 'mine.csv'], { cwd: place })
  assert.equal(asked.status, 0, asked.stderr)
  assert.doesNotMatch(asked.stderr, /wrote.*mine\.csv/, 'the file is there already')
  assert.equal((await millrace(['check', 'pipeline.yaml'], { cwd: place })).status, 0)
})

test('cli: --help of everything is data, and ends with 0', async () => {
  for (const args of [['--help'], ['help', 'tail'], ['replay', '--help']]) {
    const { status, stdout, stderr } = await millrace(args)
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, /^Usage: millrace/)
  }
})

test('cli: colours obey NO_COLOR and FORCE_COLOR, and are off in a pipe', async () => {
  const escapes = ({ stdout, stderr }: Ran) => [stdout, stderr].map(text => text.includes('\u001b['))
  const broken = write('colour.yaml', rooms.replace('celsius > 8.0', 'celsis > 8.0'))
  assert.deepEqual(escapes(await millrace(['check', broken])), [false, false])
  assert.deepEqual(escapes(await millrace(['check', broken], { env: { FORCE_COLOR: '1' } })), [true, true])
  assert.deepEqual(escapes(await millrace(['check', broken], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })), [false, false])
})

test('check: the shipped pipeline and the examples are fine', async () => {
  for (const file of ['pipelines/catalog/cold-chain.ts', 'examples/machine-temperature.yaml']) {
    const { status, stdout, stderr } = await millrace(['check', file])
    assert.deepEqual([status, stdout, stderr], [0, '', `${file} is fine\n`])
  }
})

test('check: every problem of a YAML file with line, column and the nearest name, as text and as JSON', async () => {
  const broken = write('broken.yaml', rooms.replace('mean: celsius', 'mean: celcius').replace('celsius > 8.0', 'celsis > 8.0'))
  const { status, stdout, stderr } = await millrace(['check', broken])
  assert.deepEqual([status, stderr], [1, '2 problems\n'])
  const lines = stdout.trim().split('\n')
  assert.equal(lines.length, 2)
  for (const [at, nearest] of [['5:49', 'celsius'], ['7:17', 'celsius']] as const) {
    const found = lines.find(line => line.startsWith(`${broken}:${at} `))
    assert(found?.includes(`"${nearest}"`), `${at} ${nearest}\n${stdout}`)
  }
  const json = await millrace(['check', broken, '--output', 'json'])
  assert.deepEqual(JSON.parse(json.stdout).map(({ file, line, column }: { file: string, line: number, column: number }) => `${file}:${line}:${column}`).sort(), lines.map(line => line.split(' ')[0]).sort())
})

test('check: a problem of a TypeScript file stands at its literal', async () => {
  const broken = write('broken.ts', `import { definePipeline } from 'millrace'
const room = { subject: 'room', version: 1, schema: '{"type":"record","name":"R","fields":[{"name":"room","type":"string"},{"name":"at","type":"long"},{"name":"celsius","type":"double"}]}' }
export default definePipeline({
  name: 'broken', source: { contract: room, key: 'room' }, time: { field: 'at' },
  rules: { warm: { when: 'celcius > 8.0' } },
} as never)
`)
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  symlinkSync(repository, join(folder, 'node_modules/millrace'))
  const { status, stdout } = await millrace(['check', broken])
  assert.equal(status, 1)
  assert.match(stdout, /broken\.ts:5:\d+ .*celcius.*"celsius"/)
})

test('check: a YAML file that is not YAML says where', async () => {
  const { status, stdout } = await millrace(['check', write('not.yaml', 'name: a\n  b: [c\n')])
  assert.equal(status, 1)
  assert.match(stdout, /not\.yaml:\d+:\d+ /)
})

test('explain: draws sources, windows, rules and topics of the shipped pipeline', async () => {
  const { status, stdout } = await millrace(['explain', 'pipelines/catalog/cold-chain.ts'])
  assert.equal(status, 0)
  for (const word of ['fleet.polar', 'fleet.arktis', 'fleet.tundra', 'window short', 'window trend', 'rule tooWarm', 'rule silent', 'fleet.control', 'pond']) assert(stdout.includes(word), `${word}\n${stdout}`)
})

test('replay: a reader that goes away ends it quietly', async () => {
  const many = write('many.jsonl', asLines(Array.from({ length: 20_000 }, (_, i) => ({ room: `r${i % 50}`, at: i * 1_000, celsius: i % 12 }))))
  const command = new Command(['replay', definition, '--input', many])
  command.process.stdout!.once('data', () => { command.process.stdout!.destroy() })
  const { status, stderr } = await command.done
  assert.deepEqual([status, stderr.includes('EPIPE')], [0, false], stderr)
})

test('replay: of a definition without windows, rules and lake gives readings alone', async () => {
  const bare = write('bare.yaml', 'name: bare\nsource: { contract: room.avsc, key: room, time: { field: at } }\n')
  const ran = await millrace(['replay', bare, '--input', input, '--emit', 'readings'])
  assert.equal(ran.status, 0, ran.stderr)
  assert.deepEqual(objects(ran.stdout).map(({ kind, line }) => [kind, line]), readings.map((_, i) => ['reading', i + 1]))
})

test('replay: --emit takes each kind alone and any of them together, in one order', async () => {
  const all = await millrace(['replay', definition, '--input', input, '--emit', 'windows,events,late,dead-letters,readings'])
  const lines = all.stdout.trim().split('\n')
  for (const [option, kinds] of [['windows', ['window']], ['events', ['event']], ['late', ['late']], ['readings', ['reading']], ['late, windows', ['late', 'window']], ['dead-letters', []]] as const) {
    const { stdout } = await millrace(['replay', definition, '--input', input, '--emit', option])
    assert.deepEqual(stdout.split('\n').filter(Boolean), lines.filter(line => (kinds as readonly string[]).includes(JSON.parse(line).kind)), option)
  }
})

test('replay: --no-drain leaves open windows open', async () => {
  const { stdout } = await millrace(['replay', definition, '--input', input, '--emit', 'windows', '--no-drain'])
  assert.deepEqual(objects(stdout).map(({ key, start }) => [key, start]), [['a', 0], ['b', 0]])
})

test('replay: a CSV file and the JSON lines of the same readings give the same lines', async () => {
  const csv = write('readings.csv', `\uFEFFroom,at,celsius\r\n${readings.map(({ room, at, celsius }) => `${room},${new Date(at).toISOString()},${celsius ?? ''}`).join('\r\n')}\r\n`)
  const [one, other] = await Promise.all([millrace(['replay', definition, '--input', input, '--emit', 'windows,events']), millrace(['replay', definition, '--input', csv, '--emit', 'windows,events'])])
  assert.equal(other.status, 0, other.stderr)
  assert.equal(other.stdout, one.stdout)
})

test('replay: lines that cannot be made readings are dead letters that name their line, the rest is read', async () => {
  const ragged = write('ragged.csv', 'room,at,celsius\na,1000,4\na,2000\na,3000,5,6\na,4000,warm\n,5000,\na,6000,7\n')
  const { status, stdout } = await millrace(['replay', definition, '--input', ragged, '--emit', 'windows,dead-letters'])
  assert.equal(status, 0)
  const lines = objects(stdout)
  assert.deepEqual(lines.filter(({ kind }) => kind === 'dead-letter').map(({ reason, line }) => [reason, line]).slice(0, 3), [['INPUT_COLUMNS', 3], ['INPUT_COLUMNS', 4], ['INPUT_CONTRACT', 5]])
  assert.deepEqual(lines.find(({ key }) => key === 'a').values, { mean: 5.5, n: 2 })

  const mixed = await millrace(['replay', definition, '--input', '-', '--emit', 'dead-letters'], { input: '{"room":\n[1]\n"x"\n\n{"room":"a","at":1,"celsius":2,"$arrival":"soon"}\n{"room":"a","at":1,"celsius":2}\n' })
  assert.deepEqual(objects(mixed.stdout).map(({ reason, line }) => [reason, line]), [['INPUT_JSON', 1], ['INPUT_JSON', 2], ['INPUT_JSON', 3], ['INPUT_JSON', 5]])
})

test('replay: $arrival drives the future guard, $tick drives silence', async () => {
  const silent = write('silent.yaml', `${rooms.replace('100000d', '1m').replace('control:', '  silent: { absent: 10m }\ncontrol:')}`)
  const lines = asLines([{ room: 'a', at: 1_000, celsius: 1, $arrival: 1_500 }, { room: 'a', at: 100_000, celsius: 1, $arrival: 2_000 }, { $tick: 700_000 }])
  const { stdout, stderr } = await millrace(['replay', silent, '--input', '-'], { input: lines })
  const got = objects(stdout)
  assert.deepEqual(got.filter(({ kind }) => kind === 'dead-letter').map(({ reason, line }) => [reason, line]), [['NORMALISE_FUTURE', 2]], stderr)
  assert.deepEqual(got.filter(({ kind }) => kind === 'event').map(({ rule, state }) => [rule, state]), [['silent', 'raised']])
})

test('replay: $watermark closes a window when the definition says that watermarks are explicit', async () => {
  const explicit = write('explicit.yaml', rooms.replace('lateness: 5s', 'watermark: explicit'))
  const lines = asLines([{ room: 'a', at: 1_000, celsius: 1 }, { $watermark: 59_998 }, { room: 'a', at: 2_000, celsius: 3 }, { $watermark: 59_999 }, { room: 'a', at: 3_000, celsius: 5 }])
  const { stdout } = await millrace(['replay', explicit, '--input', '-', '--no-drain'], { input: lines })
  assert.deepEqual(objects(stdout).map(({ kind, values, line }) => [kind, values ?? line]), [['window', { mean: 2, n: 2 }], ['late', 5]])
})

test('replay: $source says which of several sources a line belongs to; tables come from files', async () => {
  const devices = write('devices.jsonl', asLines([{ device: 'p1', site: 'Bergen', cargo: 'fish', maxC: 2, model: 'polar' }]))
  const lines = asLines([
    { $source: 'polar', unitId: 'p1', ts: 1_768_435_200, seq: 1, tempF: 41, ambientF: 50, dutyPct: 10, door: 0 },
    { $source: 'polr', unitId: 'p1', ts: 1_768_435_201, seq: 2, tempF: 41, ambientF: 50, dutyPct: 10, door: 0 },
  ])
  const args = ['replay', 'pipelines/catalog/cold-chain.ts', '--input', '-', '--emit', 'readings,dead-letters', '--table', `devices=${devices}`]
  const { status, stdout, stderr } = await millrace(args, { input: lines })
  assert.equal(status, 65)
  assert.match(stderr, /line=2 \$source="polr" sources=\["polar","arktis","tundra"\]/)
  assert.match(stdout + stderr, /polr/)
  const good = await millrace(args, { input: lines.split('\n')[0]! })
  assert.equal(good.status, 0, good.stderr)
  const [reading] = objects(good.stdout)
  assert.deepEqual([reading.kind, reading.key, reading.signals?.site, reading.signals?.limit, Math.round(reading.signals?.celsius)], ['reading', 'p1', 'Bergen', 2, 5], good.stdout)
})

test('replay: the recording of an example runs through the real command', async () => {
  const { status, stdout } = await millrace(['replay', machine, '--input', '-', '--emit', 'events'], { input: asLines(Array.from({ length: 20 }, (_, i) => ({ timestamp: i * 300_000, value: i < 5 ? 90 : 20 }))) })
  assert.equal(status, 0)
  assert.deepEqual(objects(stdout).map(({ rule, state }) => [rule, state])[0], ['stopped', 'raised'])
})
