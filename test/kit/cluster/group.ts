import type { ClockPort } from '../../../pipelines/core/ports.ts'

export interface JoinAsk { readonly memberId: string, readonly instanceId: string | null, readonly protocol: string, readonly metadata: Buffer, readonly sessionMs: number, readonly rebalanceMs: number }
export interface JoinAnswer { readonly error: string | null, readonly generation: number, readonly memberId: string, readonly leader: string, readonly skipAssignment: boolean, readonly protocol: string, readonly members: readonly { readonly memberId: string, readonly groupInstanceId: string | null, readonly metadata: Buffer }[] }
export interface SyncAnswer { readonly error: string | null, readonly assignment: Buffer }
export interface Identity { readonly memberId: string, readonly instanceId: string | null, readonly generation: number }

interface Member {
  memberId: string
  readonly instanceId: string | null
  metadata: Buffer
  protocol: string
  sessionMs: number
  rebalanceMs: number
  assignment: Buffer
  expiresMs: number
  joining: ((answer: JoinAnswer) => void) | null
  syncing: ((answer: SyncAnswer) => void) | null
}

const nothing = Buffer.alloc(0)

/**
 * A group of the classic protocol: members, generations, rebalances.
 *
 * Shape:  a join waits until all members have joined, or until the rebalance timeout; a sync until the leader has shared out
 * Source: Kafka's ClassicGroup and GroupMetadataManager; KIP-345 (static members), KIP-814
 */
export class BrokerGroup {
  generation = 0
  state: 'empty' | 'preparing' | 'completing' | 'stable' = 'empty'
  /** Rebalances that came to an end, and members whose session ran out. */
  readonly counts = { rebalances: 0, expired: 0 }
  readonly #clock: ClockPort
  readonly #members = new Map<string, Member>()
  readonly #statics = new Map<string, Member>()
  #leader = ''
  #named = 0
  /** Counts phases, for timers that come too late. */
  #phase = 0

  constructor (clock: ClockPort) { this.#clock = clock }

  get members () { return [...this.#members.values()].map(({ memberId, instanceId, metadata, assignment }) => ({ memberId, groupInstanceId: instanceId, memberMetadata: metadata, memberAssignment: assignment })) }

  join (ask: JoinAsk): Promise<JoinAnswer> {
    const known = this.#members.get(ask.memberId)
    const held = ask.instanceId === null ? undefined : this.#statics.get(ask.instanceId)
    if (ask.memberId === '') return held === undefined ? this.#enter(ask) : this.#replace(held, ask)
    if (held !== undefined && held.memberId !== ask.memberId) return refusedJoin('FENCED_INSTANCE_ID', ask)
    if (known === undefined) return refusedJoin('UNKNOWN_MEMBER_ID', ask)
    this.#heard(known)
    const changed = !known.metadata.equals(ask.metadata)
    if ((this.state === 'completing' && !changed) || (this.state === 'stable' && known.memberId !== this.#leader && !changed)) return Promise.resolve(this.#told(known, { skipAssignment: false }))
    return this.#await(known, ask)
  }

  sync (ask: Identity, shares: ReadonlyMap<string, Buffer>): Promise<SyncAnswer> {
    const { member, error } = this.#identified(ask)
    if (member === null) return Promise.resolve({ error, assignment: nothing })
    if (this.state === 'preparing') return Promise.resolve({ error: 'REBALANCE_IN_PROGRESS', assignment: nothing })
    this.#heard(member)
    if (this.state === 'stable') return Promise.resolve({ error: null, assignment: member.assignment })
    member.syncing?.({ error: 'UNKNOWN_SERVER_ERROR', assignment: nothing })
    return new Promise(resolve => {
      member.syncing = resolve
      if (member.memberId !== this.#leader) return
      this.state = 'stable'
      this.#phase += 1
      for (const one of this.#members.values()) {
        one.assignment = shares.get(one.memberId) ?? nothing
        this.#heard(one)
        one.syncing?.({ error: null, assignment: one.assignment })
        one.syncing = null
      }
    })
  }

  heartbeat (ask: Identity): string | null {
    const { member, error } = this.#identified(ask)
    if (member === null) return error
    this.#heard(member)
    return this.state === 'preparing' ? 'REBALANCE_IN_PROGRESS' : null
  }

  leave (ask: Omit<Identity, 'generation'>): string | null {
    const member = ask.instanceId === null ? this.#members.get(ask.memberId) : this.#statics.get(ask.instanceId)
    if (member === undefined) return 'UNKNOWN_MEMBER_ID'
    if (ask.memberId !== '' && member.memberId !== ask.memberId) return 'FENCED_INSTANCE_ID'
    this.#remove(member)
    return null
  }

  /** Whether a member may commit offsets in a transaction. */
  mayCommit (ask: Identity): string | null {
    if (ask.generation < 0 && ask.memberId === '' && ask.instanceId === null) return null
    return this.#identified(ask).error
  }

  #identified ({ memberId, instanceId, generation }: Identity): { readonly member: Member | null, readonly error: string | null } {
    const held = instanceId === null ? undefined : this.#statics.get(instanceId)
    if (held !== undefined && held.memberId !== memberId) return { member: null, error: 'FENCED_INSTANCE_ID' }
    const member = this.#members.get(memberId)
    if (member === undefined) return { member: null, error: 'UNKNOWN_MEMBER_ID' }
    return generation === this.generation ? { member, error: null } : { member: null, error: 'ILLEGAL_GENERATION' }
  }

  #enter (ask: JoinAsk): Promise<JoinAnswer> {
    const member: Member = { ...ask, memberId: this.#newId(ask), assignment: nothing, expiresMs: 0, joining: null, syncing: null }
    this.#members.set(member.memberId, member)
    if (member.instanceId !== null) this.#statics.set(member.instanceId, member)
    this.#heard(member)
    void this.#watch(member)
    return this.#await(member, ask)
  }

  /** A static member comes back under its name: it takes the place of its earlier run, without a rebalance where there is none. */
  #replace (member: Member, ask: JoinAsk): Promise<JoinAnswer> {
    const wasLeader = member.memberId === this.#leader
    member.joining?.(emptyJoin('FENCED_INSTANCE_ID', member.memberId))
    member.syncing?.({ error: 'FENCED_INSTANCE_ID', assignment: nothing })
    member.joining = member.syncing = null
    this.#members.delete(member.memberId)
    member.memberId = this.#newId(ask)
    this.#members.set(member.memberId, member)
    if (wasLeader) this.#leader = member.memberId
    this.#heard(member)
    Object.assign(member, { metadata: ask.metadata, sessionMs: ask.sessionMs, rebalanceMs: ask.rebalanceMs })
    if (this.state === 'stable' && member.protocol === ask.protocol) return Promise.resolve(this.#told(member, { skipAssignment: wasLeader }))
    return this.#await(member, ask)
  }

  #await (member: Member, { protocol, metadata, sessionMs, rebalanceMs }: JoinAsk): Promise<JoinAnswer> {
    Object.assign(member, { protocol, metadata, sessionMs, rebalanceMs })
    member.joining?.(emptyJoin('UNKNOWN_MEMBER_ID', member.memberId))
    return new Promise(resolve => {
      member.joining = resolve
      if (this.state === 'preparing') this.#completeIfAll()
      else this.#prepare()
    })
  }

  #prepare (): void {
    for (const member of this.#members.values()) {
      member.syncing?.({ error: 'REBALANCE_IN_PROGRESS', assignment: nothing })
      member.syncing = null
      if (this.state === 'completing') member.assignment = nothing
    }
    this.state = 'preparing'
    this.#deadline(Math.max(0, ...[...this.#members.values()].map(({ rebalanceMs }) => rebalanceMs)), () => { this.#complete() })
    this.#completeIfAll()
  }

  #completeIfAll (): void { if ([...this.#members.values()].every(({ joining }) => joining !== null)) this.#complete() }

  /** Static members that did not join keep their places; their sessions decide. */
  #complete (): void {
    for (const member of this.#members.values()) if (member.joining === null && member.instanceId === null) this.#forget(member)
    const joined = [...this.#members.values()].filter(({ joining }) => joining !== null)
    if (this.#members.size > 0 && joined.length === 0) {
      this.#deadline(1_000, () => { this.#complete() })
      return
    }
    this.generation += 1
    this.counts.rebalances += 1
    this.#phase += 1
    if (this.#members.size === 0) { this.state = 'empty'; return }
    this.state = 'completing'
    if (!joined.some(({ memberId }) => memberId === this.#leader)) this.#leader = joined[0]!.memberId
    for (const member of joined) {
      const resolve = member.joining!
      member.joining = null
      this.#heard(member)
      resolve(this.#told(member, { skipAssignment: false }))
    }
    this.#deadline(Math.max(...joined.map(({ rebalanceMs }) => rebalanceMs)), () => {
      for (const member of joined) if (member.syncing === null && this.#members.get(member.memberId) === member) this.#forget(member)
      this.#prepare()
    })
  }

  #told (member: Member, { skipAssignment }: { readonly skipAssignment: boolean }): JoinAnswer {
    const isLeader = member.memberId === this.#leader
    const members = isLeader ? [...this.#members.values()].map(({ memberId, instanceId, metadata }) => ({ memberId, groupInstanceId: instanceId, metadata })) : []
    return { error: null, generation: this.generation, memberId: member.memberId, leader: this.#leader, skipAssignment, protocol: member.protocol, members }
  }

  #remove (member: Member): void {
    this.#forget(member)
    if (this.state === 'preparing') this.#completeIfAll()
    else this.#prepare()
  }

  #forget (member: Member): void {
    this.#members.delete(member.memberId)
    if (member.instanceId !== null && this.#statics.get(member.instanceId) === member) this.#statics.delete(member.instanceId)
    member.joining?.(emptyJoin('UNKNOWN_MEMBER_ID', member.memberId))
    member.syncing?.({ error: 'UNKNOWN_MEMBER_ID', assignment: nothing })
    member.joining = member.syncing = null
  }

  #heard (member: Member): void { member.expiresMs = this.#clock.monotonicMs() + member.sessionMs }

  /** A member that waits for an answer of the group is alive. */
  async #watch (member: Member): Promise<void> {
    for (;;) {
      await this.#clock.sleep(Math.max(1, member.expiresMs - this.#clock.monotonicMs()))
      if (this.#members.get(member.memberId) !== member) return
      if (member.joining !== null || member.syncing !== null) this.#heard(member)
      if (member.expiresMs > this.#clock.monotonicMs()) continue
      this.counts.expired += 1
      this.#remove(member)
      return
    }
  }

  #deadline (ms: number, then: () => void): void {
    const phase = this.#phase += 1
    void this.#clock.sleep(Math.max(1, ms)).then(() => { if (this.#phase === phase) then() })
  }

  #newId ({ instanceId }: JoinAsk): string { return `${instanceId ?? 'member'}-${this.#named += 1}` }
}

const emptyJoin = (error: string, memberId: string): JoinAnswer => ({ error, generation: -1, memberId, leader: '', skipAssignment: false, protocol: '', members: [] })
const refusedJoin = (error: string, { memberId }: JoinAsk): Promise<JoinAnswer> => Promise.resolve(emptyJoin(error, memberId))
