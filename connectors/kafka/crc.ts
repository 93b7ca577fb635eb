import { type Crc32c, crc32c as plain } from '../../pipelines/core/crc32c.ts'

/** CRC-32C by the processor's own instruction where its package has a binary for this machine, else ours: the same numbers, slower. */
export const crc32c: Crc32c = await import('@node-rs/crc32').then(native => native.crc32c as Crc32c, () => plain)
