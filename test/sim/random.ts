/** A stream of numbers in [0, 1) that one seed decides. Source: mulberry32 */
export function randomOf (seed: number) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ state >>> 15, state | 1)
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61)
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32
  }
  const whole = (from: number, to: number) => from + Math.floor(next() * (to - from + 1))
  return { next, whole, chance: (share: number) => next() < share, pick: <T>(list: readonly T[]): T => list[whole(0, list.length - 1)]! }
}
export type Random = ReturnType<typeof randomOf>
