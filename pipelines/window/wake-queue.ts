import { grown } from '../core/keys.ts'
import { SlotHeap } from './slot-heap.ts'

interface Turn { readonly number: number, slots: Int32Array, count: number }

/**
 * Which slot is due next. A slot that turns out not to be due yet is set again, so that moving its moment back needs no call: a session
 * that goes on is looked at once in a while, not at each reading.
 *
 * State: slots by turn (stretches of `turnMs`) unsorted, and a heap for the turn that time is in; entries that were replaced stay
 *        until their turn
 * Source: hashed timing wheels, Varghese and Lauck (1987), with exact order within a turn
 */
export class WakeQueue {
  readonly #turnMs: number
  readonly #heap = new SlotHeap()
  /** In order of their numbers. */
  readonly #turns: Turn[] = []
  /** The turn that was begun last: what is due in it or before goes to the heap. */
  #begun = Number.NEGATIVE_INFINITY
  #due = new Float64Array(64).fill(Number.NaN)

  constructor (turnMs: number) { this.#turnMs = turnMs }

  /** Nothing is due before; Infinity when nothing waits. */
  get next (): number {
    const first = this.#turns[0]
    return first === undefined ? this.#heap.next : Math.min(this.#heap.next, first.number * this.#turnMs)
  }

  set (slot: number, moment: number): void {
    while (slot >= this.#due.length) {
      const { length } = this.#due
      this.#due = grown(this.#due, length + 1).fill(Number.NaN, length)
    }
    this.#due[slot] = moment
    const number = Math.floor(moment / this.#turnMs)
    if (number <= this.#begun) this.#heap.push(slot, moment)
    else this.#put(number, slot)
  }

  forget (slot: number): void { this.#due[slot] = Number.NaN }

  /** Take the next slot out, due or not yet; 0 when that entry was replaced since. */
  take (): number {
    const turn = this.#turns[0]
    if (turn === undefined || this.#heap.next < turn.number * this.#turnMs) {
      const moment = this.#heap.next
      const slot = this.#heap.pop()
      return this.#taken(slot, this.#due[slot] === moment)
    }
    this.#begun = Math.max(this.#begun, turn.number)
    turn.count -= 1
    if (turn.count === 0) this.#turns.shift()
    const slot = turn.slots[turn.count]!
    return this.#taken(slot, Math.floor(this.#due[slot]! / this.#turnMs) === turn.number)
  }

  #taken (slot: number, isValid: boolean): number {
    if (!isValid) return 0
    this.#due[slot] = Number.NaN
    return slot
  }

  #put (number: number, slot: number): void {
    const turns = this.#turns
    let at = turns.length
    while (at > 0 && turns[at - 1]!.number >= number) at -= 1
    let turn = turns[at]
    if (turn === undefined || turn.number !== number) {
      turn = { number, slots: new Int32Array(16), count: 0 }
      turns.splice(at, 0, turn)
    }
    if (turn.count === turn.slots.length) turn.slots = grown(turn.slots, turn.count + 1)
    turn.slots[turn.count] = slot
    turn.count += 1
  }
}
