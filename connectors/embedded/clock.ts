import type { ClockPort } from '../../pipelines/core/ports.ts'

/**
 * The clock of this machine.
 *
 * Units: milliseconds; wallMs whole, monotonicMs with a fraction
 */
export const machineClock: ClockPort = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => new Promise(resolve => {
    if (signal?.aborted || ms <= 0) { resolve(); return }
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, Math.min(ms, 2 ** 31 - 1))
    signal?.addEventListener('abort', done, { once: true })
  }),
  breathe: () => new Promise(resolve => { setImmediate(resolve) }),
}
