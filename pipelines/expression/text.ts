/** Longest text that an expression makes; beyond it the result is unknown. */
export const textLengthMax = 65_536

/** Order by code points, as CEL has it: below 0, 0, above 0. JavaScript's own order differs beyond the basic plane. */
export function compareText (a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i += 1) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

/** Surrogates stand for code points above every other unit. */
const rank = (unit: number) => unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit

/** Number of code points. */
export function textSize (text: string): number {
  let size = text.length
  for (let i = 0; i + 1 < text.length; i += 1) {
    const unit = text.charCodeAt(i)
    if (unit < 0xd800 || unit > 0xdbff) continue
    const next = text.charCodeAt(i + 1)
    if (next >= 0xdc00 && next <= 0xdfff) { size -= 1; i += 1 }
  }
  return size
}

/** Letters A to Z alone change. */
export const lowerAscii = (text: string): string => text.replace(/[A-Z]+/g, letters => letters.toLowerCase())
export const upperAscii = (text: string): string => text.replace(/[a-z]+/g, letters => letters.toUpperCase())
