import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Command, millrace, repository } from '../kit/cli.ts'

/**
 * A pipeline that was killed and restarted, and then played again from its topics:
 *
 *     live    readings, ticks, lookups ... kill -9 ... restart ... Ctrl-C     -> control topic
 *     replay  the same topics and journal, from an empty state                -> the same events
 */
const folder = mkdtempSync(join(tmpdir(), 'millrace-past-'))
const data = join(folder, 'data')
const definition = join(repository, 'pipelines/catalog/cold-chain.ts')
const environment = { MILLRACE_DATA: data }

before(async () => {
  const first = new Command(['run', '--demo', '--data', data])
  await first.said(/raised/, 60_000)
  await new Promise(done => setTimeout(done, 6_000))
  first.process.kill('SIGKILL')
  await first.done
  const second = await millrace(['run', '--demo', '--data', data, '--for', '8s'])
  assert.equal(second.status, 0, second.stderr)
})
after(() => { rmSync(folder, { recursive: true, force: true }) })

test('replay --from-topic: events equal those that were emitted, across a kill and a restart', async t => {
  const played = await millrace(['replay', definition, '--from-topic', '--emit', 'events', '--compare'], { env: environment })
  assert.equal(played.status, 0, played.stderr)
  const lines = played.stdout.trim().split('\n').map(line => JSON.parse(line))
  assert(lines.length > 0 && lines.every(({ kind }) => kind === 'event'))
  assert.match(played.stderr, new RegExp(`^${lines.length} events? of the control topic, each the same but for its mode$`, 'm'))
  t.diagnostic(played.stderr.trim())
})

test('replay --from-lake: the readings of the lake give the same events', async () => {
  const [topic, lake] = [await millrace(['replay', definition, '--from-topic', '--emit', 'events'], { env: environment }), await millrace(['replay', definition, '--from-lake', '--emit', 'events', '--compare'], { env: environment })]
  assert.equal(lake.status, 0, lake.stderr)
  assert.match(lake.stderr, /^\d+ events? of the control topic, each the same but for its mode$/m)
  assert.deepEqual(lake.stdout.split('\n').sort(), topic.stdout.split('\n').sort())
  const half = JSON.parse(topic.stdout.trim().split('\n').at(-1)!).at
  const part = await millrace(['replay', definition, '--from-lake', '--emit', 'readings', '--to', new Date(half).toISOString()], { env: environment })
  const times = part.stdout.trim().split('\n').map(line => JSON.parse(line).at as number)
  assert(times.length > 0 && Math.max(...times) < half)
})

test('replay --from-topic: the same bytes every time, and of one source what that source has', async () => {
  const emit = ['--emit', 'windows,events,late,dead-letters,readings']
  const [once, again] = [await millrace(['replay', definition, '--from-topic', ...emit], { env: environment }), await millrace(['replay', definition, '--from-topic', ...emit], { env: environment })]
  assert.equal(once.stdout, again.stdout)
  const kinds = new Set(once.stdout.trim().split('\n').map(line => JSON.parse(line).kind))
  assert.deepEqual([...kinds].sort(), ['dead-letter', 'event', 'late', 'reading', 'window'])
  const one = await millrace(['replay', definition, '--from-topic', '--source', 'polar', '--emit', 'readings,dead-letters'], { env: environment })
  const topics = new Set(one.stdout.trim().split('\n').map(line => JSON.parse(line).source.topic))
  assert.deepEqual([...topics], ['fleet.polar'])
})

test('replay --from-topic: another definition gives other events, each named, and exit 1', async () => {
  const other = join(folder, 'milder.ts')
  const text = readFileSync(definition, 'utf8').replaceAll("'../../", `'${repository}/`).replaceAll("'../", `'${repository}/pipelines/`)
  writeFileSync(other, text.replace("when: 'celsius > limit', for: '2s'", "when: 'celsius > limit + 100.0', for: '2s'"))
  const played = await millrace(['replay', other, '--from-topic', '--emit', 'events', '--compare'], { env: environment })
  assert.equal(played.status, 1, played.stderr)
  assert.match(played.stderr, /^only in the control topic: tooWarm of \S+ raised at \S+, id [0-9a-f]+-1$/m)
})

test('replay --from-topic: what does not go together is refused', async () => {
  const refused = async (args: readonly string[]) => {
    const { status, stderr } = await millrace(['replay', definition, ...args], { env: environment })
    return `${status} ${stderr.trim().split('\n')[0]!.replace(/^error /, '')}`
  }
  assert.match(await refused(['--from-topic', '--input', 'x.jsonl']), /^64 --input does not go with --from-topic$/)
  assert.match(await refused(['--input', 'x.jsonl', '--compare']), /^64 --compare does not go with --input$/)
  assert.match(await refused(['--from-topic', '--from-lake']), /^64 --from-lake does not go with --from-topic$/)
  assert.match(await refused(['--from-lake', '--from', '12']), /^64 Cannot find an offset in the lake: given="12"/)
  assert.match(await refused(['--from-topic', '--rate', 'fast']), /^64 Cannot read --rate: given="fast"/)
  assert.match(await refused(['--from-topic', '--source', 'polr']), /^64 Cannot find the source: given="polr" sources=/)
  assert.match(await refused(['--from-topic', '--partition', '99']), /^64 Cannot find a partition: given=\[99\]$/)
})
