import { limb } from './cursor.ts'

/**
 * Text that reads a length or another whole number within 32 bits at `p` into `name`; what is beyond them comes as the
 * nearest. Two bytes inline, the rest by a call. Kept apart from `long`, as a variable that is always a small integer costs
 * no conversion.
 */
export function int (name: string, overlong: string): string {
  return `x = b[p]
if (x < 128) { ${name} = (x >>> 1) ^ -(x & 1); p += 1 } else {
lo = x & 127; x = b[p + 1]; lo |= (x & 127) << 7
if (x < 128) { ${name} = (lo >>> 1) ^ -(lo & 1); p += 2 } else {
${name} = int32At(c, b, p); p = c.at
if (c.overlong) ${overlong}
}
}`
}

/**
 * Text that reads a zigzag varint at `p` into `name`, up to 64 bits. Up to `inline` bytes (4 or 8) without a call.
 * `limbs` also leaves them in the cursor, for exact division.
 */
export function long (name: string, overlong: string, inline: 4 | 8 = 8): string {
  const called = `${name} = longAt(c, b, p); p = c.at
if (c.overlong) ${overlong}`
  const low = (bytes: number) => `${name} = lo & 1 ? -(lo >>> 1) - 1 : lo >>> 1; p += ${bytes}`
  const both = (bytes: number) => `${name} = hi * ${limb} + (lo >>> 1); if (lo & 1) ${name} = -${name} - 1; p += ${bytes}`
  const more = (at: number): string => at === inline ? called
    : at < 4 ? `x = b[p + ${at}]; lo |= (x & 127) << ${7 * at}
if (x < 128) { ${low(at + 1)} } else {
${more(at + 1)}
}`
    : `x = b[p + ${at}]; hi ${at === 4 ? '' : '|'}= (x & 127)${at === 4 ? '' : ` << ${7 * (at - 4)}`}
if (x < 128) { ${both(at + 1)} } else {
${more(at + 1)}
}`
  return `x = b[p]
lo = x & 127
if (x < 128) { ${low(1)} } else {
${more(1)}
}`
}
