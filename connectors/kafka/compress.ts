import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { repeats } from './repeats.ts'

export type CompressionType = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
export const compressionTypes = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const satisfies readonly CompressionType[]

/** Bits of a batch's attributes. */
export const compressionBits = (type: CompressionType): number => compressionTypes.indexOf(type)

/** The records of a batch, packed. */
export function compress (type: CompressionType, records: Uint8Array): Uint8Array {
  switch (type) {
    case 'none': return records
    case 'gzip': return gzipSync(records)
    case 'snappy': return snappy(records)
    case 'lz4': return lz4(records)
    case 'zstd': return zstdCompressSync(records, { params: { [constants.ZSTD_c_compressionLevel]: 3 } })
  }
}

const snappyHeader = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1)
const snappyBlockBytes = 32 << 10
const copyBytesMax = 64

/** Source: xerial/snappy-java's SnappyOutputStream: a header, then blocks of 32 KiB, each behind its length */
function snappy (input: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [snappyHeader]
  for (let at = 0; at < input.length; at += snappyBlockBytes) {
    const block = snappyBlock(input.subarray(at, at + snappyBlockBytes))
    const length = new Uint8Array(4)
    new DataView(length.buffer).setInt32(0, block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

/** Source: Snappy's format_description.txt */
function snappyBlock (input: Uint8Array): Uint8Array {
  const output = new Uint8Array(32 + input.length + Math.ceil(input.length / 6))
  let to = 0
  let left = input.length
  for (; left > 127; left >>>= 7) output[to++] = (left & 127) | 128
  output[to++] = left
  repeats(input, (from, end, offset, length) => {
    const literals = end - from
    if (literals > 0) {
      if (literals <= 60) output[to++] = (literals - 1) << 2
      else [output[to++], output[to++], output[to++]] = [61 << 2, (literals - 1) & 255, (literals - 1) >>> 8]
      output.set(input.subarray(from, end), to)
      to += literals
    }
    for (let rest = length; rest > 0; rest -= copyBytesMax) {
      output[to++] = ((Math.min(rest, copyBytesMax) - 1) << 2) | 2
      output[to++] = offset & 255
      output[to++] = offset >>> 8
    }
  })
  return output.subarray(0, to)
}

/** Version 1, independent blocks of 64 KiB at most, no checksums of its own; then the checksum of these two bytes. */
const lz4Header = Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82)
const lz4BlockBytes = 64 << 10
const lz4End = new Uint8Array(4)
const stored = 0x80000000

/** Source: lz4_Frame_format.md */
function lz4 (input: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [lz4Header]
  for (let at = 0; at < input.length; at += lz4BlockBytes) {
    const plain = input.subarray(at, at + lz4BlockBytes)
    const packed = lz4Block(plain)
    const smaller = packed.length < plain.length
    const length = new Uint8Array(4)
    new DataView(length.buffer).setUint32(0, smaller ? packed.length : plain.length + stored, true)
    parts.push(length, smaller ? packed : plain)
  }
  parts.push(lz4End)
  return Buffer.concat(parts)
}

/** Source: lz4_Block_format.md */
function lz4Block (input: Uint8Array): Uint8Array {
  const output = new Uint8Array(32 + input.length + Math.ceil(input.length / 255))
  let to = 0
  const longer = (length: number) => {
    if (length < 15) return
    let rest = length - 15
    for (; rest >= 255; rest -= 255) output[to++] = 255
    output[to++] = rest
  }
  repeats(input, (from, end, offset, length) => {
    const literals = end - from
    const match = Math.max(0, length - 4)
    output[to++] = (Math.min(literals, 15) << 4) | Math.min(match, 15)
    longer(literals)
    output.set(input.subarray(from, end), to)
    to += literals
    if (offset === 0) return
    output[to++] = offset & 255
    output[to++] = offset >>> 8
    longer(match)
  })
  return output.subarray(0, to)
}
