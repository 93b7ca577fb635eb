import { limb } from './cursor.ts'

/**
 * Text that reads a length or another whole number within 32 bits at `p` into `name`; what is beyond them comes as the
 * nearest. Three bytes inline, the rest by a call. Kept apart from `long`, as a variable that is always a small integer costs
 * no conversion.
 */
export function int (name: string, overlong: string): string {
  return `x = b[p]
if (x < 128) { ${name} = (x >>> 1) ^ -(x & 1); p += 1 } else {
lo = x & 127; x = b[p + 1]; lo |= (x & 127) << 7
if (x < 128) { ${name} = (lo >>> 1) ^ -(lo & 1); p += 2 } else {
x = b[p + 2]; lo |= (x & 127) << 14
if (x < 128) { ${name} = (lo >>> 1) ^ -(lo & 1); p += 3 } else {
${name} = int32At(c, b, p); p = c.at
if (c.overlong) ${overlong}
}
}
}`
}

/**
 * Text that reads a zigzag varint at `p` into `name`, up to 64 bits. Up to eight bytes without a call, taken from two words
 * of four: every access to a typed array is checked, so few wide ones are cheaper than many narrow ones. Near the end of the
 * buffer, where a word would reach past it, by a call.
 */
export function long (name: string, overlong: string): string {
  const value = (bytes: number) => bytes <= 4 ? `${name} = (lo >>> 1) ^ -(lo & 1); p += ${bytes}` : `${name} = hi * ${limb} + (lo >>> 1); if (lo & 1) ${name} = -${name} - 1; p += ${bytes}`
  // Seven bits of each byte of a word, pushed together.
  const low = (bytes: number) => ['x & 127', 'x >>> 1 & 16256', 'x >>> 2 & 2080768', 'x >>> 3 & 266338304'].slice(0, bytes).join(' | ')
  const tree = (bytes: number): string => bytes === 8 ? `if (x >= 0) { hi = ${low(4)}; ${value(8)} } else { ${call} }`
    : bytes === 4 ? `if (x >= 0) { lo = ${low(4)}; ${value(4)} } else {\nlo = ${low(4)}; x = v.getInt32(p + 4, true)\n${tree(5)}\n}`
    : `if ((x & ${128 << 8 * ((bytes - 1) % 4)}) === 0) { ${bytes < 4 ? 'lo' : 'hi'} = ${low((bytes - 1) % 4 + 1)}; ${value(bytes)} } else {\n${tree(bytes + 1)}\n}`
  const call = `${name} = longAt(c, b, p); p = c.at; if (c.overlong) ${overlong}`
  return `if (p > wordsEnd) { ${call} } else {\nx = v.getInt32(p, true)\n${tree(1)}\n}`
}
