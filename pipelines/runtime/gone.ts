import type { Outputs } from '../core/outputs.ts'
import type { Committed } from '../core/ports.ts'
import type { StateTree } from '../core/state.ts'
import { putAside } from './adopt.ts'
import { checkPositions, factsOf, type LegPlan, type Place } from './lead.ts'
import { names } from './names.ts'
import { restoreState } from './restore.ts'
import { type Append, type Snapshot, type SnapshotFacts, SnapshotWriter } from './snapshot.ts'
import type { StateReader } from './state-reader.ts'

/** What is kept of a task whose source the definition no longer has, so that it can come back. */
export class Gone {
  readonly partition: number
  readonly #writer: SnapshotWriter
  readonly #state: StateTree
  readonly #facts: SnapshotFacts

  constructor (partition: number, writer: SnapshotWriter, { state, facts }: { readonly state: StateTree, readonly facts: SnapshotFacts }) {
    this.partition = partition
    this.#writer = writer
    this.#state = state
    this.#facts = facts
  }

  /** Before the state topic is trimmed: written again behind it. */
  async keep (before: number): Promise<void> {
    if (this.#writer.baseOffset < before) await this.#writer.write(this.#state, this.#facts, { base: true })
  }
}

export interface GoneOptions {
  /** Has read the partition of the state topic. */
  readonly states: StateReader
  readonly committed: (topic: string, partition: number) => Promise<Committed | null>
  readonly append: Append | undefined
}

/** Where what a source left behind says its last: both go into one commit. */
export interface GoneSink {
  readonly taken: (from: { readonly place: Place, readonly task: null }, out: Outputs) => void
  readonly batch: (topic: string, partition: number, bytes: Uint8Array) => void
}

/** A task of a source that went, found and finished; `settle` clears its alerts and puts it aside, in one commit. */
export interface Found { readonly settle: (sink: GoneSink) => Promise<Gone> }

/**
 * Tasks in a partition whose sources the definition no longer has, to be put aside: what was committed of them is finished, and their alerts are cleared,
 * in one commit with the snapshot that says so. A source whose topic is gone too is forgotten.
 *
 * Errors: as those of a task that is restored
 */
export async function findGone (plan: LegPlan, partition: number, options: GoneOptions): Promise<readonly Found[]> {
  const { pipeline, leg } = plan
  const topic = names.state(pipeline.name, leg)
  const present = new Set(pipeline.sources.map(({ name }) => name))
  const found: Found[] = []
  for (const source of options.states.sources) {
    const gone = present.has(source) ? null : await find(plan, { topic, partition, source }, options)
    if (gone !== null) found.push(gone)
  }
  return found
}

async function find (plan: LegPlan, place: { readonly topic: string, readonly partition: number, readonly source: string }, { states, committed, append }: GoneOptions): Promise<Found | null> {
  const { log } = plan
  const { partition, source } = place
  const saved = states.snapshot(source)
  if (saved === null) return null
  const { topic, topicId, aside = false } = saved.facts
  const info = await log.topic(topic)
  if (info === null || info.id !== topicId) return null
  const input: Place = { source, topic, partition, partitions: info.partitions, idleMs: Number.POSITIVE_INFINITY }
  const { state, facts, out } = aside ? { ...saved, out: null } : await finished(plan, input, { saved, committed: await committed(topic, partition) })
  return {
    settle: async sink => {
      if (out !== null) sink.taken({ place: input, task: null }, out)
      // First with the commit that clears its alerts, later on its own.
      let write: Append = async (to, part, bytes) => { sink.batch(to, part, bytes) }
      const writer = new SnapshotWriter(log, place, { generation: saved.generation + 1, append: (to, part, bytes) => write(to, part, bytes) })
      await writer.write(state, facts)
      write = append ?? ((to, part, bytes) => log.append(to, part, bytes))
      return new Gone(partition, writer, { state, facts })
    },
  }
}

/** What was committed is played to its end, then alerts are cleared. */
async function finished (plan: LegPlan, place: Place, { saved, committed }: { readonly saved: Snapshot, readonly committed: Committed | null }): Promise<Pick<Snapshot, 'state' | 'facts'> & { readonly out: Outputs }> {
  const { log, pipeline, leg } = plan
  const offset = committed?.offset ?? saved.facts.position
  const journal = committed === null ? saved.facts.journal : factsOf(committed, place).journal
  if (offset !== saved.facts.position) await checkPositions(plan, place, { saved, offset, topicIds: [saved.facts.topicId] })
  const { end: journalOffset } = await log.range(names.journal(pipeline.name, leg), place.partition)
  const { state: last, ...definition } = await restoreState(plan, place, { saved, offset, journal })
  const { state, out } = putAside(last, { retire: plan.retire, closeChunks: pipeline.closeChunks })
  return { state, out, facts: { ...saved.facts, ...definition, position: offset, journal, journalOffset, aside: true } }
}
