import { Worker } from 'node:worker_threads'
import { type ErrorCode, StreamError } from '../../pipelines/core/errors.ts'
import type { KafkaSettings } from './config.ts'
import type { JoinFacts } from './group.ts'
import type { Seat, SeatEvents, SeatState } from './seat.ts'

export type SeatSettings = Pick<KafkaSettings, 'brokers' | 'clientId' | 'connection' | 'requestTimeoutMs' | 'patienceMs' | 'metadataAgeMs' | 'sessionTimeoutMs' | 'rebalanceTimeoutMs'>
export interface SeatData { readonly settings: SeatSettings, readonly facts: JoinFacts, readonly touches: Int32Array }
export type FromSeat =
  | { readonly kind: 'changed', readonly state: SeatState }
  | { readonly kind: 'lost', readonly error: { readonly code: ErrorCode, readonly details: Readonly<Record<string, unknown>> } }

export type ToSeat = 'begin' | 'release'

const entry = new URL(import.meta.url.endsWith('.ts') ? './seat-thread.ts' : './seat-thread.js', import.meta.url)

/**
 * A seat that is kept by a thread of its own, with connections of its own: whoever has it may compute for longer than a session lasts.
 *
 * Limits: one thread, which ends with `stop`; it does not keep the process alive
 */
export function takeThreadSeat (settings: SeatSettings, facts: JoinFacts, { changed, lost }: SeatEvents): Seat {
  const touches = new Int32Array(new SharedArrayBuffer(4))
  const workerData: SeatData = { settings: plain(settings), facts, touches }
  const worker = new Worker(entry, { workerData })
  worker.unref()
  const tell = (message: ToSeat) => { worker.postMessage(message) }
  let over = false
  const end = (error: StreamError) => {
    if (over) return
    over = true
    void worker.terminate()
    lost(error)
  }
  worker.on('message', (message: FromSeat) => {
    if (over) return
    if (message.kind === 'changed') changed(message.state)
    else end(new StreamError(message.error.code, message.error.details))
  })
  worker.on('error', cause => { end(new StreamError('LOG_REBALANCED', { group: facts.group, member: facts.instanceId, why: 'the thread of its heartbeats has failed' }, { cause })) })
  return {
    touches,
    begin: () => { tell('begin') },
    release: () => { tell('release') },
    stop: async () => {
      over = true
      await worker.terminate()
    },
  }
}

/** Without what a thread cannot be given. */
function plain ({ brokers, clientId, connection, requestTimeoutMs, patienceMs, metadataAgeMs, sessionTimeoutMs, rebalanceTimeoutMs }: SeatSettings): SeatSettings {
  return { brokers, clientId, connection, requestTimeoutMs, patienceMs, metadataAgeMs, sessionTimeoutMs, rebalanceTimeoutMs }
}
