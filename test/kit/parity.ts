import assert from 'node:assert/strict'
import { asLines } from './rooms.ts'

const startMs = Date.parse('2023-11-14T10:00Z')

/** Eleven minutes of two rooms, a reading a second each; `a` is warm in every other minute. */
export const elevenMinutes = asLines(Array.from({ length: 1_320 }, (_, i) => {
  const second = i >> 1
  return { room: i % 2 === 0 ? 'a' : 'b', at: startMs + second * 1_000, celsius: i % 2 === 0 && Math.floor(second / 60) % 2 === 0 ? 10 : 5 }
}))

interface Ran { readonly status: number | null, readonly stdout: string, readonly stderr: string }

/** What `lake parity` says of them as they were stored. */
export function assertSame ({ status, stdout, stderr }: Ran): void {
  assert.deepEqual([status, stdout], [0, ''], stderr)
  assert.match(stderr, /^window minute: 18 rows compared\nalerts: 5 rows compared\nno difference$/m)
}

/** And when the mean of `b` at 10:03 is 7, the alert of 10:02 has another severity, and that of 10:04 is gone. */
export function assertAltered ({ status, stdout, stderr }: Ran): void {
  assert.equal(status, 1, stderr)
  assert.deepEqual(stdout.split('\n').map(line => line.replace(/, [0-9a-f]{8,}:/, ', ID:')), [
    'minute of b at 2023-11-14T10:03:00.000Z: mean is 7, from readings 5',
    'alert warm of a raised at 2023-11-14T10:02:00.000Z, ID: severity is "info", in the control topic "critical"',
    'alert warm of a raised at 2023-11-14T10:04:00.000Z, ID: in the control topic, but not in the lake',
    '',
  ])
  assert.match(stderr, /^3 differences$/m)
}
