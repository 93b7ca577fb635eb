import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { unlz4 } from './lz4.ts'
import { unsnappy } from './snappy.ts'

/**
 * The records of a batch whose attributes name this compression.
 *
 * Limits: at most `bytesMax` come out
 * Errors: whatever the decompressor throws; the caller knows the batch
 * Source: Kafka protocol, attributes of a record batch: 1 gzip, 2 snappy, 3 lz4, 4 zstd
 */
export function decompress (compression: number, bytes: Uint8Array, bytesMax: number): Uint8Array {
  switch (compression) {
    case 1: return gunzipSync(bytes, { maxOutputLength: bytesMax })
    case 2: return unsnappy(bytes, bytesMax)
    case 3: return unlz4(bytes, bytesMax)
    case 4: return zstdDecompressSync(bytes, { maxOutputLength: bytesMax })
    default: throw new RangeError(`compression ${compression} is not known`)
  }
}
