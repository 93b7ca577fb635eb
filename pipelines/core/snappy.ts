/** What Snappy's Java library writes before its chunks. */
const xerialMagic = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0)
/** Magic, version, lowest compatible version. */
const xerialHeaderBytes = 16

/**
 * Snappy as Kafka's producers write it: the chunks of the Java library, or one raw block (librdkafka, Go).
 *
 * Limits: the sizes that blocks announce come to at most `bytesMax`, checked before allocation
 * Errors: RangeError for what is no such block, or more than `bytesMax`
 * Source: Snappy's format_description.txt; SnappyOutputStream of xerial/snappy-java
 */
export function unsnappy (bytes: Uint8Array, bytesMax: number): Uint8Array {
  if (!xerialMagic.every((byte, at) => bytes[at] === byte)) return block(bytes, bytesMax)
  const chunks: Uint8Array[] = []
  let total = 0
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = xerialHeaderBytes; at < bytes.length;) {
    if (at + 4 > bytes.length) throw new RangeError('snappy: cut off between chunks')
    const length = view.getInt32(at)
    if (length < 0 || at + 4 + length > bytes.length) throw new RangeError('snappy: a chunk reaches beyond the end')
    const chunk = block(bytes.subarray(at + 4, at + 4 + length), bytesMax - total)
    chunks.push(chunk)
    total += chunk.length
    at += 4 + length
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, total)
}

interface Cursor { at: number }

function block (input: Uint8Array, bytesMax: number): Uint8Array {
  const cursor: Cursor = { at: 0 }
  const length = announced(input, cursor)
  if (length > bytesMax) throw new RangeError(`snappy: ${length} bytes, more than ${bytesMax}`)
  const output = new Uint8Array(length)
  let to = 0
  while (cursor.at < input.length) {
    const tag = input[cursor.at]!
    cursor.at += 1
    if ((tag & 3) === 0) {
      const size = literalBytes(input, cursor, tag >>> 2)
      if (cursor.at + size > input.length || to + size > length) throw new RangeError('snappy: a literal reaches beyond the end')
      output.set(input.subarray(cursor.at, cursor.at + size), to)
      cursor.at += size
      to += size
      continue
    }
    const size = (tag & 3) === 1 ? 4 + ((tag >>> 2) & 7) : 1 + (tag >>> 2)
    const offset = (tag & 3) === 1 ? ((tag >>> 5) << 8) | little(input, cursor, 1) : little(input, cursor, (tag & 3) === 2 ? 2 : 4)
    if (offset === 0 || offset > to || to + size > length) throw new RangeError('snappy: a copy from outside the block')
    copyBack(output, to, offset, size)
    to += size
  }
  if (to !== length) throw new RangeError('snappy: shorter than announced')
  return output
}

/** Copies may overlap what they write: then they repeat it. */
export function copyBack (output: Uint8Array, to: number, offset: number, size: number): void {
  if (offset >= size) output.copyWithin(to, to - offset, to - offset + size)
  else for (let i = 0; i < size; i += 1) output[to + i] = output[to + i - offset]!
}

function announced (input: Uint8Array, cursor: Cursor): number {
  let value = 0
  for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
    const byte = input[cursor.at]
    if (byte === undefined) break
    cursor.at += 1
    value += (byte & 127) * scale
    if (byte < 128) return value
  }
  throw new RangeError('snappy: no length')
}

function literalBytes (input: Uint8Array, cursor: Cursor, length: number): number {
  return 1 + (length < 60 ? length : little(input, cursor, length - 59))
}

function little (input: Uint8Array, cursor: Cursor, bytes: number): number {
  if (cursor.at + bytes > input.length) throw new RangeError('snappy: cut off')
  let value = 0
  for (let i = 0; i < bytes; i += 1) value += input[cursor.at + i]! * 256 ** i
  cursor.at += bytes
  return value
}
