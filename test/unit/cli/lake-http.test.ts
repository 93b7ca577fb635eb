import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { request } from 'node:http'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { lakeHandler, type LakeHandlerOptions } from '../../../pipelines/cli/lake/http/handler.ts'
import { isLoopback } from '../../../pipelines/cli/lake/http/guard.ts'
import { routes } from '../../../pipelines/cli/lake/http/routes.ts'
import { serveLake } from '../../../pipelines/cli/lake/http/server.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'
import type { LakeAlert, LakeLayout, LakeReaderPort, LakeReadingRows } from '../../../pipelines/core/lake-ports.ts'
import { trucks } from '../../kit/lake-layouts.ts'
import { MemoryLake, type PlainReading, type PlainRollup } from '../../kit/memory-lake.ts'

const now = Date.parse('2026-11-23T12:00:00Z')
const hour = 3_600_000
const layout: LakeLayout = { ...trucks, windows: [{ name: 'hour', shape: { kind: 'tumbling', sizeMs: hour }, columns: [{ name: 'max', kind: 'number', unit: 'Cel' }], parts: [] }] }
const readings = Array.from({ length: 240 }, (_, index): PlainReading => ({ key: `truck-${index % 2}`, source: 'trucks', at: now - (240 - index) * 60_000, arrival: now - (240 - index) * 60_000, partition: 0, offset: index, values: { celsius: index < 120 ? 9 : 4, doorOpen: null, depot: index % 2 === 0 ? 'north' : 'south' } }))
const rollups: readonly PlainRollup[] = [{ key: 'truck-0', source: 'trucks', start: now - hour, end: now, expected: 60, received: 60, revision: 0, final: true, values: { max: 9 } }]
const alert: LakeAlert = {
  alertId: 'a1', pipeline: 'cold-chain', rule: 'tooWarm', ruleVersion: '1', key: 'truck-0', severity: 'critical', state: 'cleared', seq: 2, ordinal: 1, reason: null, labels: { depot: 'north' }, summary: 'too warm', mode: 'live',
  raisedAt: now - 2 * hour, raisedArrival: now - 2 * hour, clearedAt: now - hour, updatedAt: now - hour, expiresAt: null, values: { celsius: 9 }, units: { celsius: 'Cel' }, window: null, source: { topic: 't', partition: 0, offset: 1 },
}
const lake = () => new MemoryLake({ layout, readings, rollups: { hour: rollups }, alerts: [alert] })

const servers: { close (): Promise<void> }[] = []
after(async () => { for (const server of servers) await server.close() })
const errors: unknown[] = []

async function served (options: Partial<LakeHandlerOptions> = {}): Promise<string> {
  const reader = lake()
  const server = await serveLake(lakeHandler({ reader: () => reader, version: '1', guard: { token: null }, nowMs: () => now, onError: error => { errors.push(error) }, ...options }), { host: '127.0.0.1', port: 0 })
  servers.push(server)
  return server.url
}

const url = await served()
const get = async (path: string, init: RequestInit = {}, base = url) => {
  const response = await fetch(base + path, { redirect: 'manual', ...init })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) as unknown }
}

test('the question of an analyst: which trucks were above 8 for more than 10 minutes, and the p99 by depot', async () => {
  const episodes = (await get("/v1/episodes?when=celsius%20%3E%208.0&longer=10m&from=-1d")).json() as { readonly key: string, readonly durationMs: number, readonly depot: string }[]
  assert.deepEqual(episodes.map(({ key, depot, durationMs }) => [key, depot, durationMs]), [['truck-0', 'north', 118 * 60_000], ['truck-1', 'south', 118 * 60_000]])
  const p99 = (await get('/v1/query?signal=celsius&stat=p99,count&by=depot&from=-1d')).json() as { readonly depot: string, readonly p99: number, readonly count: number }[]
  assert.deepEqual(p99.map(({ depot, count }) => [depot, count]), [['north', 120], ['south', 120]])
  for (const row of p99) assert(Math.abs(row.p99 - 9) < 0.1)
})

test('every route answers, in every format, by ?format= and by Accept', async () => {
  const asked: Readonly<Record<string, string>> = { '/v1/query': '?signal=celsius&every=1h', '/v1/episodes': '?when=celsius%3E8.0', '/v1/rollups/{window}': '', '/v1/readings': '?from=-5h' }
  for (const { path } of routes) {
    const at = path.replace('{window}', 'hour') + (asked[path] ?? '')
    const json = await get(at)
    assert.equal(json.status, 200, at + json.text)
    assert.match(json.headers.get('content-type')!, /^application\/json/)
    const rows = json.json() as object[]
    assert(rows.length > 0, at)
    const lines = await get(at, { headers: { accept: 'application/x-ndjson' } })
    assert.deepEqual(lines.text.trim().split('\n').map(line => JSON.parse(line) as unknown), rows)
    const csv = await get(`${at}${at.includes('?') ? '&' : '?'}format=csv`)
    assert.equal(csv.text.split('\r\n')[0], Object.keys(rows[0]!).join(','))
    assert.equal(csv.headers.get('x-content-type-options'), 'nosniff')
    assert.equal((await get(at, { method: 'HEAD' })).text, '')
  }
})

test('OpenAPI describes every route, its parameters, and the columns that come', async () => {
  interface Described { readonly get: { readonly parameters: readonly { readonly name: string, readonly required: boolean, readonly in: string }[], readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, { readonly schema: { readonly items?: { readonly properties: object } } }>> }>> } }
  const described = (await get('/openapi.json')).json() as { readonly openapi: string, readonly paths: Readonly<Record<string, Described>> }
  assert.match(described.openapi, /^3\.1\./)
  assert.deepEqual(Object.keys(described.paths), routes.map(({ path }) => path))
  const asked: Readonly<Record<string, string>> = { '/v1/query': '?signal=celsius', '/v1/episodes': '?when=true', '/v1/readings': '?from=-5h' }
  for (const { path, parameters } of routes) {
    const { get: operation } = described.paths[path]!
    assert.deepEqual(operation.parameters.map(one => [one.name, one.in, one.required]), parameters.map(one => [one.name, one.in, one.required === true]))
    const [row] = (await get(path.replace('{window}', 'hour') + (asked[path] ?? ''))).json() as object[]
    assert.deepEqual(Object.keys(row!), Object.keys(operation.responses['200']!.content['application/json']!.schema.items!.properties), path)
    // Each parameter that the description has is taken, and none that it has not.
    for (const { name, required, in: place } of operation.parameters) if (required && place === 'query') assert.equal((await get(path)).status, 400, `${path} without ${name}`)
    assert.equal((await get(`${path.replace('{window}', 'hour')}?nonsense=1`)).status, 400)
  }
})

test('what is wrong is told where it is, with what to do, as a problem', async () => {
  const problem = async (path: string, status: number) => {
    const answer = await get(path)
    assert.equal(answer.status, status, `${path} ${answer.text}`)
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    assert.doesNotMatch(answer.text, /\.ts\b|node:|\\n +at /)
    return answer.json() as Readonly<Record<string, unknown>>
  }
  assert.equal((await problem('/v1/query?signal=celsus', 400)).nearest, 'celsius')
  assert.equal((await problem('/v1/query?signl=celsius', 400)).nearest, 'signal')
  assert.equal((await problem('/v1/query', 400)).parameter, 'signal')
  assert.equal((await problem('/v1/query?signal=celsius&signal=x', 400)).parameter, 'signal')
  assert.equal((await problem('/v1/query?signal=celsius&from=yesterdy', 400)).parameter, 'from')
  assert.equal((await problem('/v1/query?signal=celsius&from=-10000d', 400)).parameter, 'from')
  assert.equal((await problem('/v1/query?signal=celsius&limit=0', 400)).parameter, 'limit')
  assert.equal((await problem('/v1/query?signal=celsius&format=xml', 400)).parameter, 'format')
  assert.equal((await problem('/v1/query?signal=celsius&closed=maybe', 400)).parameter, 'closed')
  assert.match(String((await problem('/v1/query?signal=celsius&closed=true', 400)).detail), /no window answers.*hour: it does not keep/)
  assert.equal((await problem('/v1/rollups/hours', 404)).nearest, 'hour')
  assert.match(String((await problem('/v1/episodes?when=celsius%20%3E', 400)).code), /^EXPRESSION_/)
  await problem('/v1/nothing', 404)
  await problem('/v1/rollups/%ff', 400)
  await problem(`/v1/keys?key=${'x'.repeat(5_000)}`, 414)
  assert.equal((await get('/v1/keys', { method: 'POST', body: 'x' })).status, 405)
  assert.equal((await get('/v1/keys', { headers: { accept: 'image/png' } })).status, 406)
})

test('whatever is asked, the answer is no mistake of the server', async () => {
  const names = [...new Set(routes.flatMap(({ parameters }) => parameters.map(({ name }) => name)))]
  const words = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom('celsius', 'depot', 'mean,p99', 'p50', '-1h', '-7d', 'now', '1h', '10m', 'key', 'key,depot', 'readings', 'hour', 'auto', 'truck-0', 'depot=north', 'celsius > 8.0', 'true', 'prev(celsius) > 1.0', '10', '1000000', 'json', 'csv', '__proto__', '9'.repeat(30), 'NaN', '%00'))
  const query = fc.array(fc.tuple(fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...names) }, fc.string({ maxLength: 8 })), words), { maxLength: 6 })
  const path = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...routes.map(route => route.path.replace('{window}', 'hour'))) }, fc.string({ maxLength: 12 }).map(text => `/v1/${encodeURIComponent(text)}`))
  errors.length = 0
  await fc.assert(fc.asyncProperty(path, query, async (at, pairs) => {
    const { status, text } = await get(`${at}?${new URLSearchParams(pairs.map(([name, value]) => [name, value.toWellFormed()] as [string, string])).toString()}`)
    assert(status < 500, `${status} ${text}`)
  }), { numRuns: 150 })
  assert.deepEqual(errors, [])
})

test('with a token nothing is told without it; the page of documentation holds nothing of the lake', async () => {
  const token = 'correct-horse-battery'
  const guardedUrl = await served({ guard: { token } })
  for (const authorization of [undefined, 'Bearer wrong-horse-battery', `Basic ${token}`, `Bearer ${token}x`, 'Bearer ']) {
    const answer = await get('/v1/keys', { headers: authorization === undefined ? {} : { authorization } }, guardedUrl)
    assert.equal(answer.status, 401)
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer realm="millrace lake"')
  }
  assert.equal((await get('/openapi.json', {}, guardedUrl)).status, 401)
  assert.equal((await get('/v1/keys', { headers: { authorization: `Bearer ${token}` } }, guardedUrl)).status, 200)
  const page = await get('/docs', {}, guardedUrl)
  assert.equal(page.status, 200)
  assert.doesNotMatch(page.text, /<script|cold-chain|depot/)
  assert.match(page.headers.get('content-security-policy')!, /default-src 'none'; style-src 'sha256-/)
})

test('without a token only requests to this machine by name are answered: no page elsewhere can point its own name here', async () => {
  const { port } = new URL(url)
  const statusFor = (host: string) => new Promise<number>((resolve, reject) => { request({ port, host: '127.0.0.1', path: '/v1/keys', headers: { host } }, response => { response.resume(); resolve(response.statusCode!) }).on('error', reject).end() })
  assert.equal(await statusFor(`localhost:${port}`), 200)
  assert.equal(await statusFor(`127.0.0.1:${port}`), 200)
  assert.equal(await statusFor(`evil.example:${port}`), 403)
  assert.equal(await statusFor('127.0.0.1.evil.example'), 403)
  assert.deepEqual(['localhost', '127.0.0.1', '[::1]', 'app.localhost', '0.0.0.0', '10.0.0.1', 'localhost.evil'].map(isLoopback), [true, true, true, true, false, false, false])
})

/** Pieces of readings for as long as they are taken, with a pause before each. */
function endless (seen: { pieces: number, ended: boolean }): LakeReaderPort {
  const rows: LakeReadingRows = { key: 'truck-0', source: 'trucks', count: 500, at: new Float64Array(500), arrival: new Float64Array(500), partition: new Int32Array(500), offset: new Float64Array(500), columns: [] }
  return Object.assign(Object.create(lake()) as LakeReaderPort, {
    layout: { ...layout, signals: [] },
    readings: async function * ({ signal }: { readonly signal?: AbortSignal }) {
      try {
        for (;;) {
          await new Promise(done => setImmediate(done))
          signal?.throwIfAborted()
          seen.pieces += 1
          yield rows
        }
      } finally { seen.ended = true }
    },
  })
}

test('a client that goes away stops the scan', async () => {
  const seen = { pieces: 0, ended: false }
  const reader = endless(seen)
  const base = await served({ reader: () => reader })
  const stop = new AbortController()
  const response = await fetch(`${base}/v1/readings?format=ndjson`, { signal: stop.signal })
  await response.body!.getReader().read()
  stop.abort()
  while (!seen.ended) await new Promise(done => setTimeout(done, 5))
  assert(seen.pieces > 0)
})

test('too many rows break the transfer off, so that nothing short looks whole; limit ends it in good order', async () => {
  const reader = endless({ pieces: 0, ended: false })
  const base = await served({ reader: () => reader, limits: { rowsMax: 2_000 } })
  await assert.rejects(get('/v1/readings?format=csv', {}, base))
  const limitedAnswer = await get('/v1/readings?format=csv&limit=1999', {}, base)
  assert.equal(limitedAnswer.text.trim().split('\r\n').length, 2_000)
  assert.equal((await get('/v1/readings?limit=2001', {}, base)).status, 400)
})

test('a query that takes too long ends, and more of them than are allowed are asked to wait', async () => {
  const never: LakeReaderPort = Object.assign(Object.create(lake()) as LakeReaderPort, {
    layout, stats: () => new Promise(() => {}),
    keys: async function * ({ signal }: { readonly signal?: AbortSignal }) { await new Promise((_, reject) => { signal!.addEventListener('abort', () => { reject(signal!.reason as Error) }) }); yield [] },
  })
  const base = await served({ reader: () => never, limits: { queriesMax: 1, queryMsMax: 300 } })
  const first = get('/v1/keys', {}, base)
  while ((await get('/v1/keys', {}, base)).status !== 429) await new Promise(done => setTimeout(done, 5))
  const { status, text } = await first
  assert.equal(status, 504, text)
})

test('a lake that fails is 503 without its words; a mistake of ours is 500 without its stack', async () => {
  errors.length = 0
  const failing = (error: unknown): LakeReaderPort => Object.assign(Object.create(lake()) as LakeReaderPort, { layout, stats: async () => { throw error } })
  const one = await served({ reader: () => failing(new StreamError('LAKE_UNAVAILABLE', { file: '/secret/lake.duckdb' })) })
  const down = await get('/v1/stats', {}, one)
  assert.deepEqual([down.status, down.headers.get('retry-after'), down.text.includes('secret')], [503, '5', false])
  const other = await served({ reader: () => failing(new TypeError('secret')) })
  const bug = await get('/v1/stats', {}, other)
  assert.deepEqual([bug.status, bug.text.includes('secret')], [500, false])
  assert.equal(errors.length, 2)
  const none = await served({ reader: () => null })
  assert.equal((await get('/v1/stats', {}, none)).status, 503)
})

test('what is no HTTP, or has too large a head, is refused as a problem too', async () => {
  const raw = (text: string) => new Promise<string>(resolve => {
    let said = ''
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => { socket.write(text) })
    socket.setEncoding('utf8').on('data', (part: string) => { said += part }).on('close', () => { resolve(said) })
  })
  assert.match(await raw('hello\r\n\r\n'), /^HTTP\/1\.1 400 .*application\/problem\+json/s)
  assert.match(await raw(`GET /docs HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(10_000)}\r\n\r\n`), /^HTTP\/1\.1 431 .*application\/problem\+json/s)
})
