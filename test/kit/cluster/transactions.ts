import type { ClockPort } from '../../../pipelines/core/ports.ts'

/** How long a coordinator lets a transaction that timed out wait until it looks: transaction.abort.timed.out.transaction.cleanup.interval.ms. */
const scanMs = 1_000
const epochMax = 32_000

export interface TransactionHooks {
  /** The protocol before KIP-890: an end that a producer asks for leaves it its epoch. */
  readonly older: boolean
  /** Before the markers of a transaction are written. */
  readonly markerMs: () => number
  /** How long after a marker was written the same one comes again; null: it does not. */
  readonly markerAgainMs: () => number | null
  /** The end of a producer's transaction, in one partition or group. */
  readonly mark: (participant: string, producerId: bigint, epoch: number, committed: boolean) => void
}

interface Transaction {
  readonly id: string
  producerId: bigint
  epoch: number
  timeoutMs: number
  state: 'empty' | 'open' | 'ending'
  /** Counts the transactions of this id, for those who look later. */
  serial: number
  committed: boolean
  readonly participants: Set<string>
}

export interface ProducerAnswer { readonly error: string | null, readonly producerId: bigint, readonly epoch: number }

/**
 * Who may write under which transactional id, and what becomes of each transaction.
 *
 * Shape:  an end is answered once it is decided; the markers follow, and until the last of them is written the id can begin nothing
 * Source: Kafka's TransactionCoordinator with transaction.version 2, or 0: KIP-98, KIP-360, KIP-890
 */
export class TransactionCoordinator {
  readonly #clock: ClockPort
  readonly #hooks: TransactionHooks
  readonly #transactions = new Map<string, Transaction>()
  #producers = 0n

  constructor (clock: ClockPort, hooks: TransactionHooks) {
    this.#clock = clock
    this.#hooks = hooks
  }

  /** `owner`: the producer that whoever asks has already, or -1. */
  initialise (id: string | null, timeoutMs: number, owner: { readonly producerId: bigint, readonly producerEpoch: number } = { producerId: -1n, producerEpoch: -1 }): ProducerAnswer {
    if (id === null) return { error: null, producerId: this.#producers += 1n, epoch: 0 }
    const found = this.#transactions.get(id)
    if (found === undefined) {
      const made: Transaction = { id, producerId: this.#producers += 1n, epoch: 0, timeoutMs, state: 'empty', serial: 0, committed: false, participants: new Set() }
      this.#transactions.set(id, made)
      return answer(null, made)
    }
    if (owner.producerId >= 0n && owner.producerId !== found.producerId) return answer('PRODUCER_FENCED', found)
    if (found.state === 'open') this.#abort(found)
    if (found.state !== 'empty') return answer('CONCURRENT_TRANSACTIONS', found)
    if (owner.producerId >= 0n && owner.producerEpoch !== found.epoch) return answer('PRODUCER_FENCED', found)
    found.timeoutMs = timeoutMs
    this.#next(found)
    return answer(null, found)
  }

  /** A partition or group takes part: the transaction begins with the first. */
  add (id: string, producerId: bigint, epoch: number, participant: string): string | null {
    const found = this.#transactions.get(id)
    if (found === undefined || found.producerId !== producerId) return 'INVALID_PRODUCER_ID_MAPPING'
    if (epoch !== found.epoch) return 'PRODUCER_FENCED'
    if (found.state === 'ending') return 'CONCURRENT_TRANSACTIONS'
    found.participants.add(participant)
    if (found.state === 'empty') {
      found.state = 'open'
      found.serial += 1
      this.#watch(found)
    }
    return null
  }

  end (id: string, producerId: bigint, epoch: number, committed: boolean): ProducerAnswer {
    const found = this.#transactions.get(id)
    if (found === undefined || found.producerId !== producerId) return { error: 'INVALID_PRODUCER_ID_MAPPING', producerId: -1n, epoch: -1 }
    if (this.#hooks.older) return this.#endOlder(found, epoch, committed)
    const isAgain = epoch === found.epoch - 1 && found.committed === committed
    if (found.state === 'ending') return answer(isAgain || epoch === found.epoch ? 'CONCURRENT_TRANSACTIONS' : 'PRODUCER_FENCED', found)
    if (epoch !== found.epoch) return answer(found.state === 'empty' && isAgain && found.serial > 0 ? null : 'PRODUCER_FENCED', found)
    if (found.state === 'empty') {
      if (committed) return answer('INVALID_TXN_STATE', found)
      this.#next(found)
      found.committed = false
      return answer(null, found)
    }
    this.#settle(found, committed)
    return answer(null, found)
  }

  #endOlder (found: Transaction, epoch: number, committed: boolean): ProducerAnswer {
    if (epoch !== found.epoch) return answer('PRODUCER_FENCED', found)
    if (found.state === 'open') { this.#settle(found, committed, 0); return answer(null, found) }
    if (committed !== found.committed || found.serial === 0) return answer('INVALID_TXN_STATE', found)
    return answer(found.state === 'ending' ? 'CONCURRENT_TRANSACTIONS' : null, found)
  }

  /** Transactions that are not settled, markers included. */
  get unsettled (): number { return [...this.#transactions.values()].filter(({ state }) => state !== 'empty').length }

  #abort (found: Transaction): void { this.#settle(found, false) }

  #next (found: Transaction): void {
    found.epoch += 1
    if (found.epoch > epochMax) Object.assign(found, { producerId: this.#producers += 1n, epoch: 0 })
  }

  /** The epoch grows with each end, so that whatever still comes of this transaction is refused. Markers go by it. */
  #settle (found: Transaction, committed: boolean, epochs = 1): void {
    found.state = 'ending'
    found.committed = committed
    found.epoch += epochs
    const participants = [...found.participants]
    found.participants.clear()
    let left = participants.length
    for (const participant of participants) {
      void this.#clock.sleep(this.#hooks.markerMs()).then(() => {
        const { producerId, epoch } = found
        const mark = () => { this.#hooks.mark(participant, producerId, epoch, committed) }
        mark()
        const againMs = this.#hooks.markerAgainMs()
        if (againMs !== null) void this.#clock.sleep(againMs).then(mark)
        left -= 1
        if (left === 0) found.state = 'empty'
      })
    }
  }

  #watch (found: Transaction): void {
    const { serial } = found
    void this.#clock.sleep(found.timeoutMs + scanMs).then(() => {
      if (found.serial === serial && found.state === 'open') this.#abort(found)
    })
  }
}

const answer = (error: string | null, { producerId, epoch }: Transaction): ProducerAnswer => ({ error, producerId, epoch })
