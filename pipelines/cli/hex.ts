const perLine = 16

/** Offsets, bytes and their characters, sixteen a line, as `hexdump -C` prints them. */
export function hexDump (bytes: Uint8Array): string {
  let text = ''
  for (let from = 0; from < bytes.length; from += perLine) {
    const part = bytes.subarray(from, from + perLine)
    const half = (at: number) => [...part.subarray(at, at + 8)].map(byte => byte.toString(16).padStart(2, '0')).join(' ')
    const characters = [...part].map(byte => byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.').join('')
    text += `${from.toString(16).padStart(8, '0')}  ${half(0).padEnd(23)}  ${half(8).padEnd(23)}  |${characters}|\n`
  }
  return text
}

/** Bytes as the text they are; as `0x...` where they are none that can be shown. */
export function textOrHex (bytes: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    if (!/[\p{Cc}\p{Cn}\p{Zl}\p{Zp}]/u.test(text)) return text
  } catch {}
  return `0x${Buffer.from(bytes).toString('hex')}`
}
