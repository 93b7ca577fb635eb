import type { Random } from './random.ts'

/**
 * What broken devices and wrong producers put on a topic. Each must end as one dead letter and stop nobody.
 *
 * Shape:  the bytes of a good record -> bytes that are none; null: a record without a value
 */
export const poisons: Readonly<Record<string, (good: Uint8Array, random: Random) => Uint8Array | null>> = {
  'no value': () => null,
  'empty': () => new Uint8Array(0),
  'four bytes': good => good.slice(0, 4),
  'wrong magic': good => Uint8Array.of(0x7b, ...good.subarray(1)),
  'cut short': (good, random) => good.slice(0, 6 + random.below(good.length - 7)),
  'trailing bytes': good => Uint8Array.of(...good, 0, 0, 0),
  'json': () => Buffer.from('{"unitId":"PL-0001","tempF":"warm"}'),
  'text length of a gigabyte': good => Uint8Array.of(...good.subarray(0, 5), 0xfe, 0xff, 0xff, 0xff, 0x0f),
}
export const poisonNames = Object.keys(poisons)
