import { StreamError } from '../core/errors.ts'
import type { ClockPort } from '../core/ports.ts'

/** Units: milliseconds */
export interface RetryPolicy {
  readonly pauseMs: number
  /** Pauses double up to this. */
  readonly pauseMaxMs: number
  /** After failing this long without a step forward the error ends the leg. */
  readonly giveUpMs: number
  /** From the wish to stop to the end, whatever is still to be written. */
  readonly shutdownMs: number
}

export const retryDefaults: RetryPolicy = { pauseMs: 100, pauseMaxMs: 10_000, giveUpMs: 15 * 60_000, shutdownMs: 30_000 }

export interface SuperviseOptions extends RetryPolicy {
  readonly clock: ClockPort
  readonly signal: AbortSignal
  readonly onRetry?: ((error: StreamError, pauseMs: number) => void) | undefined
  /** Errors that are waited out for as long as they last. */
  readonly isPatient?: (error: StreamError) => boolean
}

/**
 * Run a leg until it ends. An error of the world around us (its action is `retry`) begins it anew from what is committed, after a pause; any other
 * one, and one that lasts too long, ends it. Once `signal` has aborted everything must be over in `shutdownMs`.
 *
 * Shape:  `attempt` is called with what tells a step forward (a commit): it makes pauses short again
 * Errors: SHUTDOWN_TIMEOUT; what `attempt` throws
 */
export async function supervise (options: SuperviseOptions, attempt: (stepped: () => void) => Promise<void>): Promise<void> {
  const { clock, signal, shutdownMs } = options
  const over = new AbortController()
  const deadline = (async () => {
    await aborted(signal, over.signal)
    await clock.sleep(shutdownMs, over.signal)
    if (!over.signal.aborted) throw new StreamError('SHUTDOWN_TIMEOUT', { shutdownMs })
  })()
  const work = retrying(options, attempt, over.signal).finally(() => { over.abort() })
  // The one that loses the race is nobody's business any more.
  work.catch(() => {})
  try {
    await Promise.race([work, deadline.then(() => work)])
  } finally {
    over.abort()
  }
}

async function retrying ({ clock, signal, onRetry, isPatient = () => false, pauseMs: pauseFirstMs, pauseMaxMs, giveUpMs, shutdownMs }: SuperviseOptions, attempt: (stepped: () => void) => Promise<void>, over: AbortSignal): Promise<void> {
  let pauseMs = pauseFirstMs
  let failingSinceMs: number | null = null
  const stepped = () => { pauseMs = pauseFirstMs; failingSinceMs = null }
  for (;;) {
    try {
      return await attempt(stepped)
    } catch (error) {
      if (!(error instanceof StreamError) || error.action !== 'retry' || over.aborted) throw error
      const now = clock.monotonicMs()
      failingSinceMs ??= now
      const patienceMs = signal.aborted ? Math.min(giveUpMs, shutdownMs) : isPatient(error) ? Number.POSITIVE_INFINITY : giveUpMs
      if (now - failingSinceMs + pauseMs > patienceMs) throw error
      onRetry?.(error, pauseMs)
    }
    // A wish to stop ends the pause: what is fetched may still be finished. After it, pauses are kept.
    await clock.sleep(pauseMs, signal.aborted ? over : AbortSignal.any([signal, over]))
    pauseMs = Math.min(pauseMs * 2, pauseMaxMs)
  }
}

function aborted (signal: AbortSignal, over: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted || over.aborted) { resolve(); return }
    const done = () => {
      signal.removeEventListener('abort', done)
      over.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
    over.addEventListener('abort', done)
  })
}
