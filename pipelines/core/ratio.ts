/** An exact fraction in lowest terms, denominator positive. Unit factors are kept exact so that conversions round once. */
export interface Ratio { readonly n: bigint, readonly d: bigint }

export function ratio (n: bigint, d: bigint): Ratio {
  const sign = d < 0n ? -1n : 1n
  const divisor = greatestCommonDivisor(n < 0n ? -n : n, d * sign)
  return { n: n * sign / divisor, d: d * sign / divisor }
}

export const one: Ratio = { n: 1n, d: 1n }
export const zero: Ratio = { n: 0n, d: 1n }
export const multiply = (a: Ratio, b: Ratio): Ratio => ratio(a.n * b.n, a.d * b.d)
export const divide = (a: Ratio, b: Ratio): Ratio => ratio(a.n * b.d, a.d * b.n)
export const subtract = (a: Ratio, b: Ratio): Ratio => ratio(a.n * b.d - b.n * a.d, a.d * b.d)

export function power (base: Ratio, exponent: number): Ratio {
  const e = BigInt(Math.abs(exponent))
  return exponent < 0 ? ratio(base.d ** e, base.n ** e) : ratio(base.n ** e, base.d ** e)
}

/** A plain decimal (`'0.45'`) or a fraction of whole numbers (`'5/9'`). */
export function ratioOf (text: string): Ratio {
  const [n, d] = text.split('/')
  if (d !== undefined) return ratio(BigInt(n!), BigInt(d))
  const [whole, decimals = ''] = text.split('.')
  return ratio(BigInt(whole! + decimals), 10n ** BigInt(decimals.length))
}

/** The double nearest to the fraction (to 30 significant digits). */
export function ratioNumber ({ n, d }: Ratio): number {
  const digits = 30 + d.toString().length - n.toString().length
  const quotient = digits >= 0 ? n * 10n ** BigInt(digits) / d : n / (d * 10n ** BigInt(-digits))
  return Number(`${quotient}e${-digits}`)
}

function greatestCommonDivisor (a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b]
  return a === 0n ? 1n : a
}
