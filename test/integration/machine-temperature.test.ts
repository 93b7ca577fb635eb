import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

const repository = resolve(import.meta.dirname, '../..')
/** The recording does not ship with the project: it lies beside the repository where its owners keep it. */
const folder = resolve(repository, process.env.MILLRACE_RECORDINGS ?? '../shared/data', 'machine-temperature')
const skip = existsSync(folder) ? false : 'the recording is not on this machine'

interface EventLine { readonly kind: string, readonly rule: string, readonly state: string, readonly at: number }

test('example machine-temperature: alerts are raised inside the labelled failure of February 2014, and none outside the labels', { skip }, t => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [
    join(repository, 'pipelines/cli/launch.js'), 'replay', join(repository, 'examples/machine-temperature.yaml'), '--input', join(folder, 'readings.csv'), '--emit', 'events,dead-letters',
  ], { encoding: 'utf8', maxBuffer: 1 << 26 })
  assert.equal(status, 0, stderr)
  const lines = stdout.trim().split('\n').map(line => JSON.parse(line) as EventLine)
  const raised = lines.filter(({ kind, state }) => kind === 'event' && state === 'raised')
  const labels = (JSON.parse(readFileSync(join(folder, 'labels.json'), 'utf8')) as [string, string][]).map(([from, to]) => [Date.parse(from), Date.parse(to)] as const)
  const within = ([from, to]: readonly [number, number]) => raised.filter(({ at }) => at >= from && at <= to)
  const inside = labels.map(within)
  const outside = raised.filter(event => !inside.flat().includes(event))
  t.diagnostic(`${raised.length} alerts: ${inside.map(events => events.length).join(', ')} inside the four labels, ${outside.length} outside`)
  assert.deepEqual(new Set(inside[3]!.map(({ rule }) => rule)), new Set(['cooling', 'stopped']))
  assert.deepEqual(outside, [])
  assert.deepEqual(lines.filter(({ kind }) => kind === 'dead-letter'), [])
})
