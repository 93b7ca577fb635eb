import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { exposition, type Figure } from '../../../connectors/prometheus/figures.ts'
import { serveMonitor } from '../../../connectors/prometheus/server.ts'
import { readExposition } from '../../kit/exposition.ts'

const figures: readonly Figure[] = [
  { name: 'mill_wheels', kind: 'gauge', help: 'Wheels\nthat "turn" \\ now.', samples: () => [{ labels: { place: 'a "b" \\ c\nd' }, value: 2 }, { labels: { place: 'unknown' }, value: Number.NaN }] },
  { name: 'mill_turns_total', kind: 'counter', help: 'Turns.', samples: () => [] },
  { name: 'mill_turn_seconds', kind: 'histogram', help: 'Of a turn.', samples: () => [{ labels: { wheel: '1' }, value: { bounds: [0.1, 1], counts: [2, 0, 1], sum: 7.5 } }] },
]

async function served (t: { after: (end: () => Promise<void>) => void }, unready: () => readonly string[] = () => []) {
  const monitor = await serveMonitor({ host: '127.0.0.1', port: 0, metrics: exposition(figures), unready })
  t.after(() => monitor.close())
  return monitor.url
}

test('monitor: figures are scraped as Prometheus reads them, what is not a number left out', async t => {
  const response = await fetch(`${await served(t)}/metrics`)
  assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'text/plain; version=0.0.4; charset=utf-8'])
  const metrics = readExposition(await response.text())
  assert.deepEqual(metrics.get('mill_wheels')!.samples, [{ name: 'mill_wheels', labels: { place: 'a "b" \\ c\nd' }, value: 2 }])
  assert.equal(metrics.get('mill_turns_total')!.samples.length, 0)
  assert.deepEqual(metrics.get('mill_turn_seconds')!.samples.map(({ name, labels, value }) => [name, labels.le, value]), [
    ['mill_turn_seconds_bucket', '0.1', 2], ['mill_turn_seconds_bucket', '1', 2], ['mill_turn_seconds_bucket', '+Inf', 3], ['mill_turn_seconds_sum', undefined, 7.5], ['mill_turn_seconds_count', undefined, 3],
  ])
  assert(metrics.has('process_resident_memory_bytes') && metrics.has('nodejs_eventloop_lag_p99_seconds'))
})

test('monitor: it is alive, and ready when nothing says that it is not', async t => {
  let reasons: readonly string[] = ['starting']
  const url = await served(t, () => reasons)
  const ask = async (path: string, method = 'GET') => { const response = await fetch(`${url}${path}`, { method }); return [response.status, await response.text()] }
  assert.deepEqual(await ask('/healthz'), [200, 'alive\n'])
  assert.deepEqual(await ask('/readyz'), [503, 'starting\n'])
  reasons = []
  assert.deepEqual(await ask('/readyz?verbose'), [200, 'ready\n'])
  assert.deepEqual(await ask('/readyz', 'HEAD'), [200, ''])
  assert.deepEqual((await ask('/metrics', 'POST'))[0], 405)
  assert.deepEqual((await ask('/../etc/passwd'))[0], 404)
})

test('monitor: a bug of ours, and a head that is too long, are answered without details', async t => {
  const url = await served(t, () => { throw new Error('secret') })
  const response = await fetch(`${url}/readyz`)
  assert.deepEqual([response.status, await response.text()], [500, 'internal error\n'])
  const { hostname, port } = new URL(url)
  const answer = await new Promise<string>(resolve => {
    const socket = connect(Number(port), hostname, () => { socket.write(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`) })
    socket.once('data', bytes => { socket.destroy(); resolve(bytes.toString()) })
  })
  assert.match(answer, /^HTTP\/1\.1 431/)
})

test('monitor: an address that is taken is told', async t => {
  const { port } = new URL(await served(t))
  await assert.rejects(serveMonitor({ host: '127.0.0.1', port: Number(port), metrics: exposition([]), unready: () => [] }), { code: 'MONITOR_ADDRESS', message: /EADDRINUSE/ })
})
