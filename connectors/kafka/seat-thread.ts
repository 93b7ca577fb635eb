import { performance } from 'node:perf_hooks'
import { parentPort, workerData } from 'node:worker_threads'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { ClockPort } from '../../pipelines/core/ports.ts'
import { Cluster } from './cluster.ts'
import { LocalSeat } from './seat.ts'
import type { FromSeat, SeatData, ToSeat } from './thread-seat.ts'

/** The thread that keeps a seat: it runs no tasks, so that none can keep it from its heartbeats. */
const port = parentPort!
const { settings, facts, touches } = workerData as SeatData
const clock: ClockPort = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    if (signal?.aborted) done()
    else signal?.addEventListener('abort', done)
  }),
}
const tell = (message: FromSeat) => { port.postMessage(message) }
const cluster = new Cluster({ ...settings, clock, joinTimeoutMs: settings.rebalanceTimeoutMs + settings.requestTimeoutMs })
const seat = new LocalSeat(cluster, facts, { ...settings, clock }, {
  touches,
  changed: state => { tell({ kind: 'changed', state }) },
  lost: error => { tell({ kind: 'lost', error: error instanceof StreamError ? { code: error.code, details: error.details } : { code: 'LOG_REBALANCED', details: { why: String(error) } } }) },
})
port.on('message', (message: ToSeat) => { seat[message]() })
