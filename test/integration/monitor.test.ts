import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { asLines, rooms, roomsFolder } from '../kit/rooms.ts'
import { Command } from '../kit/cli.ts'
import { readExposition, type Scraped } from '../kit/exposition.ts'

const promtool = spawnSync('promtool', ['--version']).status === 0

test('monitor: a running pipeline is scraped, and says what it has read, committed and kept', async () => {
  const { folder, definition, write } = roomsFolder()
  write('lake.yaml', `signals: { celsius: { unit: Cel } }\n${rooms.replace('field: at } }', 'field: at }, normalise: { celsius: { field: celsius } } }')}lake: { keyspace: rooms, rollups: [minute] }\n`)
  const startMs = Date.now() - 600_000
  const many = asLines(Array.from({ length: 3_000 }, (_, at) => ({ room: `r${at % 9}`, at: startMs + at * 100, celsius: at % 5 === 0 ? 9 : 4, ...at % 100 === 99 && { at: 'never' } })))
  const command = new Command(['run', definition.replace('rooms.yaml', 'lake.yaml'), '--input', write('many.jsonl', many), '--data', `${folder}/data`, '--http', '0'])
  try {
    await command.said(/monitoring {2}http\S+metrics/)
    const [, url] = /monitoring {2}(http\S+)\/metrics/.exec(command.stderr)!
    const scrape = async () => { const response = await fetch(`${url}/metrics`); return { text: await response.clone().text(), metrics: readExposition(await response.text()) } }
    const sumOf = (metrics: ReadonlyMap<string, Scraped>, name: string, labels: Readonly<Record<string, string>>) =>
      metrics.get(name)!.samples.filter(sample => Object.entries(labels).every(([label, value]) => sample.labels[label] === value)).reduce((sum, { value }) => sum + value, 0)
    const read = (metrics: ReadonlyMap<string, Scraped>, leg: string) => sumOf(metrics, 'millrace_records_total', { leg })
    let { text, metrics } = await scrape()
    for (let waits = 0; read(metrics, 'race') < 2_970 || read(metrics, 'pond') < 2_970 || sumOf(metrics, 'millrace_snapshots_total', { leg: 'race' }) < 2; waits += 1) {
      assert(waits < 200, text)
      await new Promise(resolve => { setTimeout(resolve, 100) })
      ;({ text, metrics } = await scrape())
    }
    for (const [name, { samples }] of metrics) for (const { labels } of samples) assert(!Object.values(labels).some(value => /^r\d$/.test(value)), `${name} has no device as a label`)
    assert.equal(sumOf(metrics, 'millrace_tasks', { leg: 'race' }), 2)
    assert.equal(sumOf(metrics, 'millrace_reading', {}), 2)
    assert.equal(sumOf(metrics, 'millrace_task_lag_records', {}), 0)
    assert.equal(sumOf(metrics, 'millrace_task_lag_seconds', {}), 0)
    assert(sumOf(metrics, 'millrace_events_total', { state: 'raised' }) > 0)
    assert.equal(metrics.get('millrace_commit_seconds')!.samples.find(({ name, labels }) => name.endsWith('_count') && labels.leg === 'race')!.value, sumOf(metrics, 'millrace_commits_total', { leg: 'race' }))
    assert(sumOf(metrics, 'millrace_lake_rows_total', { kind: 'readings' }) > 2_900)
    for (const { labels, value } of metrics.get('millrace_task_state_bytes')!.samples) assert(value > 0, JSON.stringify(labels))
    const counted = async () => (await (await fetch(`${url}/v1/query?signal=celsius&stat=count&by=key&from=-1h&source=readings`)).json() as { readonly count: number }[]).map(({ count }) => count)
    let counts = await counted()
    // What the pond has read is there with its next commit.
    for (let waits = 0; counts.reduce((a, b) => a + b, 0) < 2_970; waits += 1) {
      assert(waits < 100, JSON.stringify(counts))
      await new Promise(resolve => { setTimeout(resolve, 100) })
      counts = await counted()
    }
    assert.deepEqual([counts.length, counts.reduce((a, b) => a + b, 0)], [9, 2_970])
    const ready = await fetch(`${url}/readyz`)
    assert.deepEqual([ready.status, await ready.text()], [200, 'ready\n'])
    assert.equal((await fetch(`${url}/healthz`)).status, 200)
    if (promtool) {
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text })
      assert(!/millrace_/.test(`${stdout}${stderr}`), `${status} ${stdout}${stderr}`)
    }
  } finally {
    const ended = await command.interrupt()
    assert.equal(ended.status, 0, ended.stderr)
  }
})
