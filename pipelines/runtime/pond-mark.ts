/** What a pond tells those who look from outside, with its seat in the group. `wallMs`: when it said so. Positions of the topics it stores as they are, by partition. */
export interface PondMark {
  readonly wallMs: number
  readonly trouble: { readonly code: string, readonly message: string, readonly sinceMs: number } | null
  readonly copied: Readonly<Record<string, readonly number[]>>
}

/** Brokers take 4,096 bytes as they come (`offset.metadata.max.bytes`); the client's own words are among them. */
const bytesMax = 3_500
const messageMax = 600

/** As the metadata of a commit: of many partitions the positions are left out. */
export function markText ({ wallMs, trouble, copied }: PondMark): string {
  const short = trouble && { ...trouble, message: trouble.message.slice(0, messageMax) }
  const text = JSON.stringify({ wallMs, trouble: short, copied })
  return Buffer.byteLength(text) <= bytesMax ? text : JSON.stringify({ wallMs, trouble: short, copied: {} })
}

/** Null: nothing was told. */
export function readMark (metadata: string): PondMark | null {
  try {
    const { wallMs, trouble = null, copied = {} } = JSON.parse(metadata) as Partial<PondMark>
    return typeof wallMs === 'number' ? { wallMs, trouble, copied } : null
  } catch {
    return null
  }
}
