import { hashBytes, hashNumber } from './hash-value.ts'
import type { HyperLogLog } from './hyper-log-log.ts'

/** Sketches merge when their values were hashed alike. */
const highSeed = 0x2545f491
const lowSeed = 0x517cc1b7

export function addNumber (sketch: HyperLogLog, value: number): void { sketch.add(hashNumber(value, highSeed), hashNumber(value, lowSeed)) }

/** Of a text: its UTF-8. */
export function addBytes (sketch: HyperLogLog, bytes: Uint8Array): void { sketch.add(hashBytes(bytes, highSeed), hashBytes(bytes, lowSeed)) }
