import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PipelineStanding } from '../../pipelines/cli/standing.ts'
import { readExposition } from '../kit/exposition.ts'
import { Command, millrace } from '../kit/cli.ts'
import { asLines, readings, rooms, roomsFolder } from '../kit/rooms.ts'

/** Nobody listens there. */
const away = { CASSANDRA_CONTACT_POINTS: '127.0.0.1:1', CASSANDRA_LOCAL_DATA_CENTER: 'nowhere' }

test('a pipeline whose lake is away: status says for what it waits and since when, /metrics too, and the race goes on', { timeout: 60_000 }, async () => {
  const { write, folder: cwd } = roomsFolder()
  const definition = write('kept.yaml', `${rooms}signals: { celsius: { unit: Cel } }\nlake: { keyspace: rooms }\n`)
  const running = new Command(['run', definition, '--partitions', '1', '--input', write('in.jsonl', asLines(readings)), '--http', '0'], { cwd, env: away })
  const status = async () => JSON.parse((await millrace(['status', 'rooms', '--output', 'json'], { cwd })).stdout) as PipelineStanding
  try {
    await running.said(/monitoring {2}http\S+metrics/)
    let pond = null
    for (const endMs = performance.now() + 30_000; pond?.waits == null; pond = (await status().catch(() => null))?.legs.find(({ leg }) => leg === 'pond')) assert(performance.now() < endMs, running.stderr)
    const { code, message, sinceMs, toldAt } = pond.waits
    assert.equal(code, 'LAKE_UNREACHABLE')
    assert.match(message, /127\.0\.0\.1:1/)
    assert(sinceMs <= toldAt && toldAt <= Date.now(), JSON.stringify(pond.waits))
    const table = await millrace(['status', 'rooms'], { cwd })
    assert.match(table.stdout, /^pond {2}waits for [\d\w ]+, since 20\S+Z \(told [\d\w ]+ ago\): LAKE_UNREACHABLE\n {6}Cannot get an answer from Cassandra: .*127.*\n {6}\S.*$/m)
    const [, url] = /monitoring {2}(http\S+)\/metrics/.exec(running.stderr)!
    const metrics = readExposition(await (await fetch(`${url}/metrics`)).text())
    const of = (name: string) => metrics.get(name)!.samples.filter(({ labels }) => labels.leg === 'pond')
    assert.deepEqual(of('millrace_trouble').map(({ labels, value }) => [labels.code, value]), [['LAKE_UNREACHABLE', 1]])
    assert(of('millrace_trouble_seconds')[0]!.value > 0)
    assert.match(await (await fetch(`${url}/readyz`)).text(), /pond: waits since .*LAKE_UNREACHABLE/)
  } finally {
    const { status, stdout, stderr } = await running.interrupt()
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^raised +1\b/m)
  }
})
