import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { type InputObject, replay } from 'millrace/testing'
import { createFleet } from '../../pipelines/cli/demo/fleet.ts'
import { Random } from '../../pipelines/cli/demo/random.ts'
import { millrace, repository } from '../kit/cli.ts'
import { asLines, roomsFolder } from '../kit/rooms.ts'

/**
 * Where the input is cut into batches, restarted or crashed changes no byte of the output:
 *
 *     input   1 2 3 4 5 6 7 8 9 ...
 *     batch   [1 2 3][4 5 6][7 8 9]      restart  1 2 | 3 4 | 5 6      crash  1 2 S 3 4 5 ! replay 3 4 5, go on 6
 */
const { write } = roomsFolder()
const cuts = [
  { batch: 1 }, { batch: 7 }, { batch: 4096 }, { restartEvery: 1 }, { restartEvery: 13, batch: 5 }, { crashEvery: 7 }, { snapshotEvery: 1, crashEvery: 1 }, { snapshotEvery: 5, crashEvery: 3 },
  { snapshotEvery: 40, crashEvery: 17, batch: 11 }, { snapshotEvery: 11, restartEvery: 29, crashEvery: 17 },
]
const flags = (cut: object) => Object.entries(cut).flatMap(([name, value]) => [`--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`, String(value)])
const hash = (text: string) => createHash('sha256').update(text).digest('hex')
const emit = 'windows,events,late,dead-letters,readings'

test('black box: the example gives the same bytes for every cut', async t => {
  const random = new Random(7)
  const lines = Array.from({ length: 600 }, (_, i) => random.below(50) === 0
    ? ['{"timestamp":', '{"timestamp":"soon","value":1}', '[]', '{"timestamp":1,"value":null}'][random.below(4)]!
    : JSON.stringify({ timestamp: 1_700_000_000_000 + (i - random.below(8)) * 300_000, value: (i % 200 < 60 ? 30 : 90) + random.between(-5, 5), ...(random.below(9) === 0 ? { machineId: 'other' } : {}) }))
  const input = write('random.jsonl', `${lines.join('\n')}\n`)
  const run = (cut: object) => millrace(['replay', join(repository, 'examples/machine-temperature.yaml'), '--input', input, '--emit', emit, ...flags(cut)])
  const whole = await run({})
  assert.equal(whole.status, 0, whole.stderr)
  const kinds = new Set(whole.stdout.trim().split('\n').map(line => JSON.parse(line).kind))
  assert.deepEqual([...kinds].sort(), ['dead-letter', 'event', 'late', 'reading', 'window'])
  t.diagnostic(whole.stderr.trim())
  for (const cut of cuts) assert.equal(hash((await run(cut)).stdout), hash(whole.stdout), flags(cut).join(' '))
  assert.equal(hash((await millrace(['replay', join(repository, 'examples/machine-temperature.yaml'), '--input', input, '--emit', emit, '--no-codegen'])).stdout), hash(whole.stdout), '--no-codegen')
})

/** Some seconds of the fleet, and what is wrong with real input: lines twice, lines too early, broken ones, silence. */
function fleetInput (seed: number): { readonly input: readonly InputObject[], readonly devices: readonly InputObject[] } {
  const startMs = 1_800_000_000_000
  const fleet = createFleet({ trucks: 10, seed, startMs })
  const random = new Random(seed)
  let arrival = startMs
  const input = fleet.step(startMs + 30_000).flatMap(({ source, value, sendMs }): InputObject[] => {
    arrival = Math.max(arrival, Math.floor(sendMs))
    const reading = { $source: source, $arrival: arrival, ...value }
    switch (random.below(40)) {
      case 0: return [reading, reading]
      case 1: return [{ ...reading, $arrival: arrival - 120_000 }]
      case 2: return [{ $source: source, $arrival: arrival, nothing: 'that the contract knows' }]
      case 3: return [reading, { $tick: arrival += random.below(3) === 0 ? 15_000 : 10 }]
      default: return [reading]
    }
  })
  return { input, devices: fleet.devices().map(row => ({ ...row })) }
}

for (const seed of [1, Number(process.env.MILLRACE_SEED ?? Date.now() % 100_000)]) {
  test(`black box: cold-chain gives the same lines for every cut of random input, MILLRACE_SEED=${seed}`, async t => {
    const { input, devices } = fleetInput(seed)
    const play = async (cut: object) => (await replay({ definition: join(repository, 'pipelines/catalog/cold-chain.ts'), input, tables: { devices }, emit: ['windows', 'events', 'late', 'dead-letters', 'readings'], ...cut })).map(line => JSON.stringify(line))
    const whole = await play({})
    t.diagnostic(`${input.length} lines in, ${whole.length} out`)
    assert(whole.some(line => line.includes('"raised"')) && whole.some(line => line.includes('"dead-letter"')))
    for (const cut of cuts) assert.equal(hash((await play(cut)).join('\n')), hash(whole.join('\n')), flags(cut).join(' '))
  })
}

test('black box: a table in a file is read the same for every cut', async () => {
  const { input, devices } = fleetInput(3)
  const [readings, table] = [write('fleet.jsonl', asLines(input)), write('devices.jsonl', asLines(devices))]
  const args = ['replay', 'pipelines/catalog/cold-chain.ts', '--input', readings, '--table', `devices=${table}`]
  const whole = await millrace(args)
  assert.equal(whole.status, 0, whole.stderr)
  assert.equal(hash((await millrace([...args, '--batch', '3', '--snapshot-every', '9', '--crash-every', '7'])).stdout), hash(whole.stdout))
})
