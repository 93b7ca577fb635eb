import { StreamError } from '../core/errors.ts'
import type { SchemaName } from '../core/journal.ts'
import type { ClockPort } from '../core/ports.ts'

/** A leg waits so long for the first answer before it goes on with its other tasks. */
const soonMs = 20
/** Between two questions for the same schema. */
const askEveryMs = 1_000
/** A "not found" is asked for again after so long: what was unknown may have been registered since. */
const staleMs = 30_000
const entriesMax = 4096

export interface VerdictsOptions {
  /** The registry's answer; null: it answers, and does not know the schema. Errors: what keeps it from answering */
  readonly schema: (id: SchemaName) => Promise<string | null>
  readonly clock: ClockPort
  /** For how long a registry that answers must say "not found" until it is believed; default 30,000. */
  readonly schemaPatienceMs?: number
}

interface Entry {
  answer: string | null | undefined
  /** Monotonic: when it was first not found by a registry that has answered ever since; when it was last asked for. */
  missingSince: number
  askedAt: number
  asking: boolean
  why: string
}

/**
 * What the registry says of schemas that tasks meet. Nobody waits for it but a moment: a task without a verdict stands still, the others go on.
 *
 * State:  the answers to the last 4,096 questions, and why there is none yet
 * Limits: one question at a time for a schema, once a second
 * Errors: only bugs are thrown, by the next call; a registry that fails is asked again
 * Source: reliability F8: known ids go on, an unknown one waits for the registry; only its lasting "not found" is a verdict, so that a forged id halts nothing
 */
export class Verdicts {
  readonly #options: Required<VerdictsOptions>
  readonly #entries = new Map<SchemaName, Entry>()
  #changed = Promise.withResolvers<void>()
  #bug: unknown = null

  constructor ({ schema, clock, schemaPatienceMs = 30_000 }: VerdictsOptions) { this.#options = { schema, clock, schemaPatienceMs } }

  /** Avro JSON; null: there is no such schema; undefined: not known yet, and the registry is being asked. */
  of (id: SchemaName): string | null | undefined {
    if (this.#bug !== null) throw this.#bug
    const now = this.#options.clock.monotonicMs()
    const entry = this.#entry(id)
    if (entry.answer === null && now - entry.askedAt >= staleMs) entry.answer = undefined
    if (entry.answer === undefined && !entry.asking && now - entry.askedAt >= askEveryMs) void this.#ask(id, entry)
    return entry.answer
  }

  /** The same, after a moment's wait where the question is new. */
  async soon (id: SchemaName): Promise<string | null | undefined> {
    const isNew = !this.#entries.has(id)
    const answer = this.of(id)
    if (answer !== undefined || !isNew) return answer
    const over = new AbortController()
    await Promise.race([this.#changed.promise, this.#options.clock.sleep(soonMs, over.signal)])
    over.abort()
    return this.of(id)
  }

  /** Why there is no verdict yet. */
  why (id: SchemaName): string { return this.#entries.get(id)?.why ?? '' }

  /** Resolves when there is a verdict that was not there before. */
  get changed (): Promise<void> { return this.#changed.promise }

  async #ask (id: SchemaName, entry: Entry): Promise<void> {
    const { schema, clock, schemaPatienceMs } = this.#options
    entry.asking = true
    try {
      const answer = await schema(id)
      const now = clock.monotonicMs()
      entry.why = 'the registry does not know it'
      if (answer === null) entry.missingSince = Math.min(entry.missingSince, now)
      if (answer !== null || now - entry.missingSince >= schemaPatienceMs) entry.answer = answer
    } catch (error) {
      this.#failed(entry, error)
    }
    entry.askedAt = clock.monotonicMs()
    entry.asking = false
    if (entry.answer === undefined && this.#bug === null) return
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  #failed (entry: Entry, error: unknown): void {
    if (!(error instanceof StreamError)) { this.#bug = error; return }
    // It answers, and the schema is no Avro: whoever reads it will say so.
    if (error.code === 'REGISTRY_UNSUPPORTED') { entry.answer = JSON.stringify(String(error.details.schemaType)); return }
    entry.missingSince = Number.POSITIVE_INFINITY
    entry.why = error.message
  }

  #entry (id: SchemaName): Entry {
    const known = this.#entries.get(id)
    if (known !== undefined) return known
    if (this.#entries.size >= entriesMax) for (const [old, { asking }] of this.#entries) if (!asking) { this.#entries.delete(old); break }
    const entry: Entry = { answer: undefined, missingSince: Number.POSITIVE_INFINITY, askedAt: Number.NEGATIVE_INFINITY, asking: false, why: 'the registry is being asked' }
    this.#entries.set(id, entry)
    return entry
  }
}
