import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cargoes } from '../../../pipelines/cli/demo/box.ts'
import { createFleet, type Emission } from '../../../pipelines/cli/demo/fleet.ts'
import { loadWeather, parseWeather } from '../../../pipelines/cli/demo/weather.ts'

const startMs = 1_800_000_000_000
const weather = loadWeather()
const seconds = (count: number) => Array.from({ length: count }, (_, index) => startMs + (index + 1) * 1_000)
const drive = (seed: number, { trucks = 100, until = seconds(120) } = {}): Emission[] => {
  const fleet = createFleet({ trucks, seed, startMs, weather })
  return until.flatMap(now => fleet.step(now))
}
const celsius = ({ source, value }: Emission): number | null => {
  const { tempF, temperature, boxK } = value as { tempF?: number | null, temperature?: number | null, boxK?: number | null }
  if (source === 'polar') return tempF == null ? null : (tempF - 32) * 5 / 9
  return source === 'arktis' ? temperature! : boxK == null ? null : boxK - 273.15
}
const minute = drive(7)

test('weather: the normals of Seattle are those of the package, warmest on a summer afternoon', () => {
  assert.equal(weather.name, 'hourly normals of Seattle')
  assert.equal(weather.celsius(0), 4)
  assert.equal(weather.celsius(0.5), 3.95)
  assert(weather.celsius(204 * 24 + 16) > 20)
})

test('weather: the last hour of the year leads to the first', () => {
  const three = parseWeather('date,temperature\na,1\nb,2\nc,4\n')
  assert.deepEqual([0, 0.5, 2, 2.5, 3, -0.5, 7].map(three.celsius), [1, 1.5, 4, 2.5, 1, 2.5, 2])
})

test('weather: a file without temperatures is refused', () => {
  assert.throws(() => parseWeather('date,pressure\n2010-01-01T01:00:00,1016.6\n'), RangeError)
  assert.throws(() => parseWeather('date,temperature\n2010-01-01T01:00:00,warm\n'), RangeError)
})

test('fleet: the same seed gives the same readings, another seed others', () => {
  assert.deepEqual(drive(3, { trucks: 20 }), drive(3, { trucks: 20 }))
  assert.notDeepEqual(drive(3, { trucks: 20 }), drive(4, { trucks: 20 }))
})

test('fleet: how often it is stepped changes nothing', () => {
  const whole = drive(5, { trucks: 12, until: [startMs + 30_000] })
  fc.assert(fc.property(fc.array(fc.nat(30_000), { maxLength: 20 }), cuts => {
    const until = [...cuts.sort((a, b) => a - b), 30_000].map(passed => startMs + passed)
    assert.deepEqual(drive(5, { trucks: 12, until }), whole)
  }), { numRuns: 30 })
})

test('fleet: what leaves the trucks comes in the order of leaving, and only what is due', () => {
  for (let index = 1; index < minute.length; index += 1) assert(minute[index]!.sendMs >= minute[index - 1]!.sendMs)
  assert(minute.every(({ sendMs }) => sendMs > startMs && sendMs <= startMs + 120_000))
})

test('fleet: each truck says something every second or two, in the words of its model', () => {
  const perSecond = minute.length / 120
  assert(perSecond > 50 && perSecond < 100, `${perSecond} readings a second`)
  assert.deepEqual(new Set(minute.map(({ source }) => source)), new Set(['polar', 'arktis', 'tundra']))
  const named = Object.fromEntries(minute.map(({ source, value }) => [source, Object.keys(value)[0]]))
  assert.deepEqual(named, { polar: 'unitId', arktis: 'device', tundra: 'sn' })
  assert(minute.every(({ key, value }) => Object.values(value)[0] === key))
})

test('fleet: every kind of disturbance happens within two minutes', () => {
  const kinds = Map.groupBy(minute, ({ disturbance }) => disturbance)
  assert.deepEqual([...kinds.keys()].sort(), ['backlog', 'clock', 'delayed', 'duplicate', 'glitch', 'missing', 'none'])
  assert(kinds.get('none')!.length > minute.length * 0.9, 'most readings are fine')
  assert(kinds.get('missing')!.every(emission => celsius(emission) === null))
  assert(kinds.get('glitch')!.every(emission => celsius(emission)! < -100))
})

test('fleet: a duplicate repeats a reading word for word', () => {
  const texts = Map.groupBy(minute, ({ value }) => JSON.stringify(value))
  const repeated = minute.filter(({ disturbance }) => disturbance === 'duplicate').filter(({ value }) => texts.get(JSON.stringify(value))!.length > 1)
  assert(repeated.length > 5)
  assert.equal([...texts.values()].filter(same => same.length > 1 && !same.some(({ disturbance }) => disturbance === 'duplicate')).length, 0)
})

test('fleet: some readings overtake others, and some clocks say next year or 1970', () => {
  const arktis = minute.filter(({ source }) => source === 'arktis').map(({ key, value, disturbance }) => ({ key, disturbance, ...value as { counter: number, time: number } }))
  const last = new Map<string, number>()
  let overtaken = 0
  for (const { key, counter } of arktis) {
    if (counter < (last.get(key) ?? 0)) overtaken += 1
    last.set(key, Math.max(last.get(key) ?? 0, counter))
  }
  assert(overtaken > 10, `${overtaken} overtaken`)
  const clocks = drive(1, { trucks: 200 }).filter(({ disturbance }) => disturbance === 'clock').map(({ source, value }) => Number(Object.values(value)[1]) * { polar: 1_000, arktis: 1, tundra: 0.001 }[source])
  assert(clocks.some(at => at > startMs + 300 * 86_400_000))
  assert(clocks.some(at => at < 400 * 86_400_000))
})

test('fleet: after an outage the backlog comes in a burst, with the times it was measured at', () => {
  const backlog = [...Map.groupBy(minute.filter(({ disturbance }) => disturbance === 'backlog'), ({ key }) => key).values()]
  const longest = backlog.sort((a, b) => b.length - a.length)[0]!
  assert(longest.length >= 5)
  assert(longest.at(-1)!.sendMs - longest[0]!.sendMs < 20_000)
})

test('fleet: some trucks fall silent for longer than a quarter of a minute', () => {
  const sent = Map.groupBy(minute, ({ key }) => key)
  const silent = [...sent.values()].filter(list => list.some((emission, index) => index > 0 && emission.sendMs - list[index - 1]!.sendMs > 15_000))
  assert(silent.length >= 1 && silent.length < 30)
})

test('fleet: compressors fail and are mended: boxes pass their limit for seconds and come back', () => {
  const limits = new Map(createFleet({ trucks: 100, seed: 7, startMs, weather }).devices().map(({ device, maxC }) => [device, maxC]))
  let [raised, cleared] = [0, 0]
  for (const [key, list] of Map.groupBy(minute.filter(({ disturbance }) => disturbance === 'none'), emission => emission.key)) {
    const warm = list.map(emission => celsius(emission)! > limits.get(key)!)
    const first = warm.findIndex((_, index) => index >= 4 && warm.slice(index - 4, index + 1).every(Boolean))
    if (first < 0) continue
    raised += 1
    if (!warm.slice(first).every(Boolean)) cleared += 1
  }
  assert(raised >= 10 && raised < 60, `${raised} trucks too warm`)
  assert(cleared >= 5, `${cleared} of them came back`)
})

test('fleet: the registry has every truck and one device that never speaks', () => {
  const rows = createFleet({ trucks: 100, seed: 7, startMs, weather }).devices()
  assert.equal(rows.length, 101)
  assert.equal(new Set(rows.map(({ device }) => device)).size, 101)
  assert(minute.every(({ key, source }) => rows.find(({ device }) => device === key)?.source === source))
  assert.equal(minute.filter(({ key }) => key === 'PL-9999').length, 0)
  assert(rows.every(({ cargo, maxC }) => cargoes.some(({ name, maxC: limit }) => name === cargo && limit === maxC)))
})

test('fleet: a burst is as many readings as wanted, each new', () => {
  const fleet = createFleet({ trucks: 10, seed: 7, startMs, weather })
  fleet.step(startMs + 1_000)
  const burst = fleet.burst(startMs + 1_000, 1_000)
  assert.equal(burst.length, 1_000)
  assert.equal(new Set(burst.map(({ value }) => JSON.stringify(value))).size, 1_000)
  assert.equal(new Set(burst.map(({ key }) => key)).size, 10)
})
