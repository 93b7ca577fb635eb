import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { conversion, parseUnit, sameDimension, unitInverse, unitProduct, unitsEqual } from '../../../pipelines/core/unit.ts'
import { derivedUnits, everydayNames } from '../../../pipelines/core/unit-table.ts'

const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
const convert = (value: number, from: string, to: string) => { const { scale, offset } = conversion(from, to); return value * scale + offset }
const problem = (work: () => unknown): StreamError => { try { work() } catch (error) { assert(error instanceof StreamError, String(error)); return error } throw new Error('nothing was thrown') }

// By the definitions of the units: NIST SP 811, UCUM.
const known: readonly (readonly [number, string, number, string])[] = [
  [32, '[degF]', 0, 'Cel'], [212, '[degF]', 100, 'Cel'], [-40, '[degF]', -40, 'Cel'], [100, 'Cel', 212, '[degF]'], [0, 'K', -273.15, 'Cel'], [491.67, '[degR]', 273.15, 'K'],
  [1, 'bar', 100_000, 'Pa'], [1, 'hPa', 1, 'mbar'], [1, '[psi]', 6894.757293168361, 'Pa'], [1, 'atm', 1013.25, 'hPa'], [760, 'mm[Hg]', 101_324.72, 'Pa'], [1, "[in_i'Hg]", 33.863788, 'hPa'],
  [36, 'km/h', 10, 'm/s'], [1, '[mi_i]/h', 0.44704, 'm/s'], [1, '[kn_i]', 1.852, 'km/h'], [1, '[ft_i]', 0.3048, 'm'], [1, '[in_i]', 25.4, 'mm'], [1, '[nmi_i]', 1852, 'm'],
  [1, 'kW.h', 3.6e6, 'J'], [1, '[HP]', 745.6998715822702, 'W'], [1, 'A.h', 3600, 'C'], [1, 'V.A', 1, 'W'], [1, 'cal', 4.184, 'J'], [1, 'eV', 1.602176634e-19, 'J'],
  [1, '[gal_us]', 3.785411784, 'L'], [1, 'm3', 1000, 'l'], [1, '[gal_us]/min', 3.785411784, 'l/min'], [1, '[cft_i]', 28.316846592, 'l'], [1, '[cup_us]', 8, '[foz_us]'], [1, '[tbs_us]', 3, '[tsp_us]'], [1, '[Btu_IT]', 1055.05585262, 'J'], [1, '[acr_us]', 4046.872609874252, 'm2'],
  [1, '[lb_av]', 0.45359237, 'kg'], [16, '[oz_av]', 1, '[lb_av]'], [1, 't', 1000, 'kg'], [180, 'deg', Math.PI, 'rad'], [1, 'circ', 360, 'deg'], [1, "'", 60, "''"],
  [50, '%', 0.5, '1'], [1, '[ppm]', 1000, '[ppb]'], [1, 'kBy', 8000, 'bit'], [1, 'KiBy', 1024, 'By'], [60, '/min', 1, 'Hz'], [1, 'h', 3600, 's'], [1, 'wk', 7, 'd'], [1, 'ms', 0.001, 's'],
  [1, '10*3/ul', 1e9, '/l'], [1, 'ug/m3', 1e-9, 'kg/m3'], [1, 'mS/cm', 0.1, 'S/m'], [1, 'dB', 0.1, 'B'], [1, 'kg.m/s2', 1, 'N'], [2, '{readings}/min', 120, '/h'], [1, 'W/(m2.K)', 1, 'W/m2/K'],
]

test('units convert as their definitions say', () => {
  for (const [value, from, wanted, to] of known) {
    assert.ok(Math.abs(convert(value, from, to) - wanted) <= Math.abs(wanted) * 1e-12, `${value} ${from} is ${convert(value, from, to)} ${to}, wanted ${wanted}`)
    assert.ok(Math.abs(convert(wanted, to, from) - value) <= Math.abs(value || 1) * 1e-9, `${wanted} ${to} back to ${from}`)
  }
})

test('every unit of the table, its everyday names and their codes can be read', () => {
  for (const line of derivedUnits.trim().split('\n')) assert.ok(Number.isFinite(parseUnit(line.split(' ')[0]!).factor), line)
  for (const code of Object.values(everydayNames)) parseUnit(code)
})

test('freezing and boiling come out exact', () => {
  assert.equal(convert(32, '[degF]', 'Cel'), 0)
  assert.equal(convert(212, '[degF]', 'Cel'), 100)
})

test('units of one dimension are told from others', () => {
  assert.equal(sameDimension('Cel', '[degF]'), true)
  assert.equal(sameDimension('kW.h', 'N.m'), true)
  assert.equal(sameDimension('Cel', '%'), false)
  assert.equal(sameDimension('dB', '1'), false)
  assert.equal(unitsEqual('mbar', 'hPa'), true)
  assert.equal(unitsEqual('Pa', 'N/m2'), true)
  assert.equal(unitsEqual('Cel', 'K'), false)
})

test('a temperature scale inside a product is a difference without a zero', () => {
  assert.equal(parseUnit('Cel').offset, 273.15)
  assert.equal(parseUnit('Cel/h').offset, 0)
  assert.equal(convert(9, '[degF]/h', 'Cel/h'), 5)
})

test('products and quotients cancel what is equal', () => {
  assert.equal(unitProduct('km', 'h', -1), 'km/h')
  assert.equal(unitProduct('km/h', 'h', 1), 'km')
  assert.equal(unitProduct('m', 'm', -1), null)
  assert.equal(unitProduct('m', 'm', 1), 'm2')
  assert.equal(unitInverse('m/s'), 's/m')
  assert.equal(unitInverse('{readings}'), null)
})

test('a unit that is none says which part and the code most likely meant', () => {
  for (const [wrong, nearest] of [['degC', 'Cel'], ['°C', 'Cel'], ['celsius', 'Cel'], ['Celcius', 'Cel'], ['psi', '[psi]'], ['ppm', '[ppm]'], ['kWh', 'kW.h'], ['mph', '[mi_i]/h'], ['cel', 'Cel'], ['ohm', 'Ohm'], ['%RH', '%'], ['µg/m3', 'ug/m3'], ['km/hr', 'km/h']] as const) {
    const error = problem(() => parseUnit(wrong))
    assert.equal(error.code, 'UNIT_UNKNOWN')
    assert.equal(error.details.nearest, nearest, wrong)
  }
})

test('conversion between dimensions names both', () => {
  const error = problem(() => conversion('Cel', 'kPa'))
  assert.equal(error.code, 'UNIT_MISMATCH')
  assert.deepEqual([error.details.from, error.details.to], ['Cel', 'kPa'])
  assert.equal(problem(() => conversion('ft', 'm')).details.nearest, '[ft_i]')
})

test(`anything that is not a unit is refused, and nothing worse (seed ${seed})`, () => {
  const piece = fc.constantFrom('m', 's', 'k', 'Cel', '[degF]', '/', '.', '(', ')', '2', '-3', '10*', '{', '}', '[', ']', 'constructor', '__proto__', ' ', '°', '999999999', '%', "'", '0')
  fc.assert(fc.property(fc.oneof(fc.string(), fc.array(piece, { maxLength: 12 }).map(parts => parts.join(''))), code => {
    try { assert.ok(parseUnit(code).factor > 0) } catch (error) { assert.ok(error instanceof StreamError && error.code === 'UNIT_UNKNOWN', `${code}: ${error}`) }
  }), { seed, numRuns: 1500 })
})

test(`a conversion there and back is the value again (seed ${seed})`, () => {
  const codes = known.flatMap(([, from, , to]) => [from, to])
  fc.assert(fc.property(fc.constantFrom(...codes), fc.constantFrom(...codes), fc.double({ min: -1e6, max: 1e6, noNaN: true }), (from, to, value) => {
    fc.pre(sameDimension(from, to))
    const there = convert(value, from, to)
    assert.ok(Math.abs(convert(there, to, from) - value) <= 1e-9 * Math.max(1, Math.abs(value), Math.abs(there)) * Math.max(1, parseUnit(to).factor / parseUnit(from).factor))
  }), { seed, numRuns: 1000 })
})
