import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLakeReader } from 'millrace/connectors/duckdb'
import { Command, millrace } from '../kit/cli.ts'
import { asLines, rooms, roomsFolder } from '../kit/rooms.ts'

const { folder, write } = roomsFolder()
const number = (text: string | undefined) => Number(text?.replaceAll(' ', '') ?? 0)

/** The summary of `dev`: a name, figures, and figures with reasons in brackets. */
function summaryOf (stdout: string) {
  const lines = new Map(stdout.trim().split('\n').map(line => [line.slice(0, 14).trim(), line.slice(14)]))
  const first = (name: string) => number(/^([\d ]*\d)/.exec(lines.get(name) ?? '')?.[1])
  const stored = [...lines.get('stored')!.matchAll(/([\d ]*\d) (readings|rollup rows|events)/g)].map(([, many, what]) => [what!, number(many)] as const)
  return {
    ingested: first('ingested'), normalised: first('normalised'), late: first('late'), dead: first('dead-lettered'), raised: first('raised'), cleared: first('cleared'),
    reasons: new Map([...(lines.get('normalised') ?? '').matchAll(/([\w.-]+) ([\d ]*\d)[,)]/g)].map(([, reason, many]) => [reason!, number(many)])),
    stored: Object.fromEntries(stored) as Record<string, number>,
  }
}

async function lakeCounts (data: string, pipeline: string): Promise<Readonly<Record<string, number>>> {
  const reader = await openLakeReader(join(data, pipeline, 'lake.duckdb'))
  try { return await reader.counts() } finally { reader.close() }
}

async function topic (name: string, data: string, ...more: readonly string[]) {
  const { status, stdout, stderr } = await millrace(['tail', name, '--data', data, '--from', 'start', '--no-follow', ...more])
  assert.equal(status, 0, stderr)
  return stdout.split('\n').filter(Boolean).map(line => JSON.parse(line))
}

test('dev --demo: the summary agrees with itself, with the topics and with the lake', async () => {
  const data = join(folder, 'demo')
  const { status, stdout, stderr } = await millrace(['dev', '--demo', '--for', '6s', '--trucks', '100', '--data', data])
  assert.equal(status, 0, stderr)
  const summary = summaryOf(stdout)
  assert(summary.ingested > 100 && summary.raised > 0, stdout)
  const dropped = summary.reasons.get('duplicate') ?? 0
  assert.equal(summary.normalised + dropped + summary.dead, summary.ingested, stdout)

  const [control, dead, late] = await Promise.all([topic('fleet.control', data), topic('millrace.cold-chain.dead-letter', data), topic('millrace.cold-chain.late', data)])
  const states = (state: string) => control.filter(({ value }) => value.state === state).length
  assert.deepEqual([states('raised'), states('cleared'), dead.length, late.length], [summary.raised, summary.cleared, summary.dead, summary.late])
  assert.equal(new Set(control.map(({ value }) => value.id)).size, control.length)

  const counts = await lakeCounts(data, 'cold-chain')
  assert.deepEqual([counts.cold_chain_readings, counts.cold_chain_alerts, counts.cold_chain_dead_letters, counts.cold_chain_late], [summary.normalised, summary.raised, summary.dead, summary.late])
  assert.deepEqual([summary.stored.readings, summary.stored.events], [summary.normalised, control.length + dead.length + late.length])

  const again = await millrace(['dev', '--demo', '--for', '4s', '--trucks', '100', '--data', data])
  assert.equal(again.status, 0, again.stderr)
  const second = summaryOf(again.stdout)
  const both = await lakeCounts(data, 'cold-chain')
  assert.deepEqual([both.cold_chain_readings, both.cold_chain_dead_letters, both.cold_chain_late], [summary.normalised + second.normalised, summary.dead + second.dead, summary.late + second.late], again.stdout)
  assert.equal((await topic('fleet.control', data)).length, control.length + second.raised + second.cleared)
})

/** Room a is at 10, room b at 5, for longer than any test takes. */
const input = write('live.jsonl', asLines(Array.from({ length: 40_000 }, (_, i) => ({ room: i % 2 === 0 ? 'a' : 'b', at: 1_800_000_000_000 + i * 500, celsius: i % 2 === 0 ? 10 : 5 }))))
const definition = (limit: string) => rooms.replace('celsius > 8.0', `celsius > ${limit}`).concat('signals: { celsius: { unit: Cel } }\nlake: { keyspace: rooms }\n')

test('dev: a saved edit takes effect at once, a wrong one is told and changes nothing; a second dev is refused; tail reads beside it', async () => {
  const data = join(folder, 'edit')
  const file = write('live.yaml', definition('8.0'))
  const dev = new Command(['dev', file, '--input', input, '--rate', '100', '--data', data])
  try {
    await dev.said(/raised.* warm.* a/)

    const second = await millrace(['dev', file, '--data', data, '--for', '1s'])
    assert.equal(second.status, 69, second.stderr)
    assert.match(second.stderr, /another process/i)
    assert(second.stderr.includes(String(dev.process.pid)), second.stderr)

    writeFileSync(file, definition('9.0'))
    await dev.said(/live\.yaml reloaded/)
    await dev.said(/cleared.*\n(.*\n)*.*raised/)
    writeFileSync(file, definition('nine'))
    await dev.said(/live\.yaml was not reloaded: [\s\S]*nine/)
    writeFileSync(file, definition('11.0'))
    await dev.said(/reloaded\n[\s\S]*not reloaded[\s\S]*live\.yaml reloaded/)

    const events = await topic('rooms.control', data)
    assert.deepEqual(events.map(({ key, value }) => [key, value.state, value.reason]), [
      ['a', 'raised', null], ['a', 'cleared', 'rule changed'], ['a', 'raised', null], ['a', 'cleared', 'rule changed'],
    ])
    assert.equal(new Set(events.map(({ value }) => value.ruleVersion)).size, 2, 'the clear bears the version that raised')
    assert.deepEqual(events.map(({ value }) => [value.ordinal, value.seq]), [[1, 1], [2, 2], [3, 1], [4, 2]])
    await tailBeside(data)
  } finally {
    const ran = await dev.interrupt()
    assert.equal(ran.status, 0, ran.stderr)
    const summary = summaryOf(ran.stdout)
    assert.deepEqual([summary.raised, summary.cleared, summary.dead], [2, 2, 0], ran.stdout)
    assert.equal((await lakeCounts(data, 'rooms')).rooms_readings, summary.ingested)
  }
})

async function tailBeside (data: string): Promise<void> {
  const all = (await topic('rooms', data, '--limit', '40')) as readonly { readonly partition: number, readonly offset: number, readonly timestamp: number, readonly key: string, readonly value: Readonly<Record<string, unknown>> }[]
  assert.equal(all.length, 40)
  const one = all.filter(({ partition }) => partition === all[0]!.partition)
  const of = (more: readonly string[]) => topic('rooms', data, ...more).then(lines => lines as typeof all)

  for (const record of await of(['--key', 'a', '--limit', '5'])) assert.equal(record.key, 'a')
  for (const record of await of(['--where', 'room=b', 'celsius=5', '--limit', '5'])) assert.deepEqual([record.value.room, record.value.celsius], ['b', 5])
  assert.deepEqual(await of(['--where', 'celsius=77']), [])
  assert((await of(['--to', '3'])).every(({ offset }) => offset < 3))
  const moment = one[3]!.timestamp
  assert((await of(['--to', new Date(moment).toISOString()])).every(({ timestamp }) => timestamp < moment))
  assert.deepEqual((await of(['--limit', '1', '--output', 'value']))[0], all[0]!.value)

  const from = await millrace(['tail', 'rooms', '--data', data, '--from', '2', '--no-follow', '--limit', '5'])
  assert(from.stdout.trim().split('\n').every(line => JSON.parse(line).offset >= 2))
  const ago = await millrace(['tail', 'rooms', '--data', data, '--from', '1h', '--no-follow', '--limit', '1'])
  assert.equal(JSON.parse(ago.stdout).offset, 0)
  const followed = await millrace(['tail', 'rooms', '--data', data, '--limit', '3'])
  assert.equal(followed.stdout.trim().split('\n').length, 3, 'from the end, as they come')

  const unknown = await millrace(['tail', 'rooms.controll', '--data', data])
  assert.deepEqual([unknown.status, /did you mean "rooms\.control"\?/.test(unknown.stderr)], [65, true], unknown.stderr)
  const topics = await millrace(['tail', '--data', data])
  assert.deepEqual(topics.stdout.split('\n').filter(Boolean).map(line => line.split('\t')[0]).filter(name => !name!.startsWith('millrace.')), ['_schemas', 'rooms', 'rooms.control'])
}

test('dev --input: the next start goes on behind the readings that were fed before', async () => {
  const data = join(folder, 'resumed')
  const file = write('resumed.yaml', definition('8.0'))
  const few = write('few.jsonl', asLines(Array.from({ length: 90 }, (_, i) => ({ room: 'a', at: 1_800_000_000_000 + i * 1_000, celsius: 5 }))))
  const run = async (rate: string) => summaryOf((await millrace(['dev', file, '--input', few, '--rate', rate, '--for', '2s', '--data', data])).stdout)
  const first = await run('30')
  const second = await run('1000')
  assert(first.ingested > 0 && first.ingested < 90)
  assert.deepEqual([first.ingested + second.ingested, first.late + second.late], [90, 0])
  assert.deepEqual((await topic('rooms', data)).map(({ value }) => value.at).sort(), Array.from({ length: 90 }, (_, i) => 1_800_000_000_000 + i * 1_000))
})

test('dev: killed at any moment, the next start goes on and nothing is lost or counted twice', async () => {
  const data = join(folder, 'killed')
  const file = write('killed.yaml', definition('8.0'))
  for (const milliseconds of [300, 700]) {
    const dev = new Command(['dev', file, '--input', input, '--rate', '2000', '--data', data])
    await dev.said(/definition/)
    await new Promise(done => setTimeout(done, milliseconds))
    dev.process.kill('SIGKILL')
    await dev.done
  }
  const last = await millrace(['dev', file, '--data', data, '--for', '2s'])
  assert.equal(last.status, 0, last.stderr)
  const readings = await topic('rooms', data)
  assert((await lakeCounts(data, 'rooms')).rooms_readings! === readings.length && readings.length > 100, last.stdout)
  const events = await topic('rooms.control', data)
  assert.equal(new Set(events.map(({ value }) => value.id)).size, events.length)
  assert.deepEqual(events.map(({ value }) => value.state), ['raised'])
})

test('run: a definition on a folder with a damaged log says what is wrong with it', async () => {
  const data = join(folder, 'half')
  const file = write('half.yaml', definition('8.0'))
  assert.equal((await millrace(['dev', file, '--input', input, '--rate', '500', '--for', '2s', '--data', data])).status, 0)
  const log = join(data, 'rooms', 'log')
  const [biggest] = readdirSync(log).filter(name => /\.(mdb|lmdb)$|data/.test(name))
  writeFileSync(join(log, biggest!), 'half')
  const { status, stderr } = await millrace(['dev', file, '--for', '1s', '--data', data])
  assert.equal(status, 78, stderr)
  assert.match(stderr, /Cannot open the data folder: it is not one of Millrace/)
  assert.doesNotMatch(stderr, /\n {4}at /, 'no stack trace')
})
