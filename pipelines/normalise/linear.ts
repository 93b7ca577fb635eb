import { divide, type Ratio, subtract } from '../core/ratio.ts'
import { conversion, parseUnit } from '../core/unit.ts'

/**
 * `(value * multiply + add) / divide`. With whole numbers from the units' exact fractions a temperature of 122 [degF] is 50 Cel,
 * where a factor of 0.5555... would give 50.00000000000001 and miss a range that ends at 50.
 */
export interface Linear { readonly multiply: number, readonly add: number, readonly divide: number }

export const unchanged: Linear = { multiply: 1, add: 0, divide: 1 }
export const isUnchanged = ({ multiply, add, divide }: Linear) => multiply === divide && add === 0

/** Errors: UNIT_UNKNOWN, UNIT_MISMATCH */
export function unitLinear (from: string, to: string): Linear {
  const { scale, offset } = conversion(from, to)
  const [source, target] = [parseUnit(from).exact, parseUnit(to).exact]
  const factor = divide(source.factor, target.factor)
  const shift = divide(subtract(source.offset, target.offset), target.factor)
  const whole = [factor.n * shift.d, shift.n * factor.d, factor.d * shift.d]
  const common = whole.reduce((a, b) => gcd(a, b))
  const [multiply, add, by] = whole.map(part => Number(part / common))
  return whole.every(part => isSafe(part / common)) ? { multiply: multiply!, add: add!, divide: by! } : { multiply: scale, add: offset, divide: 1 }
}

/** First `value * scale + offset`, then the other. */
export function calibrated ({ scale, offset }: { readonly scale: number, readonly offset: number }, then: Linear): Linear {
  return { multiply: scale * then.multiply, add: offset * then.multiply + then.add, divide: then.divide }
}

export const apply = (value: number, { multiply, add, divide }: Linear) => (value * multiply + add) / divide

/** The whole column; `from` may be `to`. */
export function applyColumn (from: Float64Array, to: Float64Array, count: number, { multiply, add, divide }: Linear): void {
  if (divide === 1) for (let row = 0; row < count; row += 1) to[row] = from[row]! * multiply + add
  else for (let row = 0; row < count; row += 1) to[row] = (from[row]! * multiply + add) / divide
}

const isSafe = (whole: Ratio['n']) => whole < 1n << 53n && whole > -(1n << 53n)

function gcd (a: bigint, b: bigint): bigint {
  let [high, low] = [a < 0n ? -a : a, b < 0n ? -b : b]
  while (low > 0n) [high, low] = [low, high % low]
  return high
}
