/**
 * The partition Kafka's Java client gives a key.
 *
 * Source: org.apache.kafka.common.utils.Utils.murmur2, `toPositive(hash) % partitions`
 */
export function partitionOf (key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

export function murmur2 (key: Uint8Array): number {
  const m = 0x5bd1e995
  const { length } = key
  let hash = 0x9747b28c ^ length
  const whole = length & ~3
  for (let i = 0; i < whole; i += 4) {
    let word = key[i]! | key[i + 1]! << 8 | key[i + 2]! << 16 | key[i + 3]! << 24
    word = Math.imul(word, m)
    word ^= word >>> 24
    hash = Math.imul(hash, m) ^ Math.imul(word, m)
  }
  if ((length & 3) === 3) hash ^= key[whole + 2]! << 16
  if ((length & 3) >= 2) hash ^= key[whole + 1]! << 8
  if ((length & 3) >= 1) hash = Math.imul(hash ^ key[whole]!, m)
  hash = Math.imul(hash ^ hash >>> 13, m)
  return hash ^ hash >>> 15
}
