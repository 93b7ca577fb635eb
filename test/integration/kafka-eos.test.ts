import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import { lacking, type Stack, startStack } from '../../infra/local/stack.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'
import { names } from '../../pipelines/runtime/names.ts'
import { crashPoints } from '../kit/crash-points.ts'
import { EosJudge } from '../kit/eos-judge.ts'
import { eosPartitions, eosPipeline, eosTopics } from '../kit/eos-pipeline.ts'
import { torn } from '../kit/log-files.ts'
import { spread, WorkerProcess } from '../kit/worker-process.ts'
import { type Random, randomOf } from '../sim/random.ts'

const skip = await lacking({ cassandra: false }) ?? false
const slow = process.env.MILLRACE_SLOW === '1'
const rounds = Number(process.env.ROUNDS ?? (slow ? 200 : 25))
const program = new URL('../kit/eos-worker.ts', import.meta.url)
const { sleep } = machineClock

interface Trial { readonly stack: Stack, readonly judge: EosJudge, readonly random: Random, readonly start: (member: string, options?: StartOptions) => WorkerProcess }
interface StartOptions { readonly crashAt?: string, /** Kafka's. */ readonly properties?: Readonly<Record<string, string>> }

/** A cluster, Kafka's own judge, and workers of a race whose group it knows; at the end everything that was read is there once, or the judge says what is wrong. */
async function judged (t: TestContext, nodes: 1 | 3, body: (trial: Trial) => Promise<void>): Promise<void> {
  const seed = Number(process.env.SEED ?? Date.now() % 1e6)
  t.diagnostic(`SEED=${seed}`)
  const stack = await startStack({ nodes, cassandra: false, registry: false })
  const workers: WorkerProcess[] = []
  const traces = mkdtempSync(join(tmpdir(), 'millrace-eos-traces-'))
  const judge = await EosJudge.on(stack.bootstrapServers)
  const log = await openKafkaLog({ ...kafkaSettings({ 'bootstrap.servers': stack.bootstrapServers }), clock: machineClock })
  const start: Trial['start'] = (member, { crashAt, properties = {} } = {}) => {
    const worker = new WorkerProcess(program, [stack.bootstrapServers, member, JSON.stringify(properties)], { MILLRACE_TRACE: join(traces, `${workers.length}-${member}`), ...crashAt !== undefined && { MILLRACE_CRASH_AT: crashAt } })
    workers.push(worker)
    return worker
  }
  try {
    await createTopics(log)
    judge.write()
    await body({ stack, judge, random: randomOf(seed), start })
    await judge.rest()
    const last = start('a')
    await caughtUp(log, last)
    await last.kill('SIGTERM')
    const verdict = await judge.verdict()
    t.diagnostic(verdict.split('\n').filter(line => /processed|ALL-RECORDS/.test(line)).join(' '))
    const skipped = markersSkipped(stack)
    const wrong = tornIn(stack)
    // Markers that a broker left out are its own doing (docs/decisions/kafka.md): told, and what was delivered counts all the same.
    for (const line of skipped.length > 0 ? [...skipped, ...wrong] : []) t.diagnostic(line)
    assert(/ALL-RECORDS-DELIVERED/.test(verdict) && (wrong.length === 0 || skipped.length > 0), [`SEED=${seed}`, verdict, ...wrong].join('\n'))
    rmSync(traces, { recursive: true, force: true })
  } catch (error) {
    for (const worker of workers.slice(-6)) console.error(`${worker.name}\n${worker.complaint}`)
    cpSync(join(stack.folder, 'kafka'), join(traces, 'kafka'), { recursive: true })
    t.diagnostic(`what brokers hold and workers asked: ${traces}`)
    throw error
  } finally {
    for (const worker of workers) if (!worker.isOver) await worker.kill()
    await judge.close()
    await log.close()
    await stack.stop()
  }
}

/** Transactions that do not hold together in the brokers' files. */
function tornIn ({ folder }: Stack): readonly string[] {
  const kafka = join(folder, 'kafka')
  const replicas = readdirSync(kafka, { withFileTypes: true }).filter(entry => entry.isDirectory()).map(({ name }) => ({ node: name, folder: join(kafka, name) }))
  const partitions = eosTopics.filter(topic => topic !== 'data').flatMap(topic => Array.from({ length: eosPartitions }, (_, partition) => `${topic}-${partition}`))
  return torn(replicas, partitions)
}

/** What brokers said where they wrote CompleteCommit or CompleteAbort without the markers, for want of a leader that had just been killed. */
function markersSkipped ({ folder }: Stack): readonly string[] {
  const kafka = join(folder, 'kafka')
  return readdirSync(kafka).filter(name => /^node-\d+\.log$/.test(name)).flatMap(name => readFileSync(join(kafka, name), 'utf8').split('\n').filter(line => line.includes('these partitions are likely deleted already and hence can be skipped')))
}

async function createTopics (log: LogPort): Promise<void> {
  const spec = { cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' } as const
  for (const name of eosTopics) await log.createTopic({ ...spec, name, partitions: eosPartitions })
  for (const name of [names.deadLetters(eosPipeline.name), names.late(eosPipeline.name)]) await log.createTopic({ ...spec, name, partitions: 1 })
}

/** All that is in the log is committed. */
async function caughtUp (log: LogPort, worker: WorkerProcess): Promise<void> {
  for (let partition = 0; partition < eosPartitions; partition += 1) {
    const { end } = await log.range('data', partition)
    while ((await log.committed('EosTest', 'data', partition))?.offset !== end) {
      assert(!worker.isOver, worker.complaint)
      await sleep(50)
    }
  }
}

/** Reached by a worker that is alone, runs, and is not asked to stop. */
const lonely = crashPoints.filter(point => !/^(takeover|tick|schema|release|drain|leave)\./.test(point))

//  worker  ▸ restore ▸ commits ... ✂ kill -9   ▸ restore ▸ commits ... ✂ at a point of the list   ▸ ...
test(`judges/eos: a worker killed ${rounds} times, in mid-transaction and at every labelled point, delivers every record exactly once`, { skip }, async t => {
  await judged(t, 1, async ({ random, start }) => {
    const resumes: number[] = []
    const died = new Map<string, number>()
    let killedMs: number | null = null
    for (let round = 0; round < rounds; round += 1) {
      const point = round % 2 === 0 ? undefined : lonely[Math.floor(round / 2) % lonely.length]
      const worker = start('a', point === undefined ? {} : { crashAt: `${point}#${random.whole(1, 6)}` })
      const committedMs = await worker.said(/^committed$/)
      if (committedMs !== null && killedMs !== null) resumes.push(committedMs - killedMs)
      await Promise.race([worker.ended, sleep(random.whole(0, 900))])
      if (worker.isOver && point !== undefined) died.set(point, (died.get(point) ?? 0) + 1)
      killedMs = await worker.kill()
      const { signal } = await worker.ended
      assert.equal(signal, 'SIGKILL', worker.complaint)
    }
    t.diagnostic(`from the death of one to the first commit of the next: ${spread(resumes)}`)
    t.diagnostic(`died at: ${[...died].map(([point, times]) => `${point} ${times}`).join(', ')}`)
  })
})

const actions = ['restart', 'takeover', 'guest', 'zombie', 'broker'] as const
type Action = typeof actions[number]

/** Two workers, and what befalls them. Each thing is over when records are committed again by all that should. */
class Storm {
  readonly took = new Map<Action, number[]>()
  readonly #trial: Trial
  readonly #workers = new Map<string, WorkerProcess>()

  constructor (trial: Trial) { this.#trial = trial }

  async begin (): Promise<void> { for (const member of ['a', 'b']) await this.#up(member) }

  async do (action: Action): Promise<void> {
    const tookMs = await this[action]()
    this.took.set(action, [...this.took.get(action) ?? [], tookMs])
    for (const [member, worker] of this.#workers) assert(!worker.isOver, `${action}: ${member} ended. ${worker.complaint}`)
  }

  /** Until it commits again. */
  async restart (): Promise<number> {
    const member = this.#trial.random.pick(['a', 'b'])
    const killedMs = await this.#down(member)
    return await this.#up(member) - killedMs
  }

  /** Until the other one has everything. */
  async takeover (): Promise<number> {
    const [gone, heir] = this.#pair()
    const killedMs = await this.#down(gone)
    const hadMs = await this.#said(heir, /^share 5$/, killedMs)
    await this.#up(gone)
    return hadMs - killedMs
  }

  /** A third one comes, and goes for good. */
  async guest (): Promise<number> {
    const beganMs = performance.now()
    await this.#up('c', { 'leave.group.on.close': 'true' })
    const guest = this.#workers.get('c')!
    this.#workers.delete('c')
    await guest.kill('SIGTERM')
    assert.deepEqual((await guest.ended).code, 0, guest.complaint)
    return performance.now() - beganMs
  }

  /** Halted beyond its session, it goes on as if nothing had been: until it has a share again. */
  async zombie (): Promise<number> {
    const [halted, heir] = this.#pair()
    const beganMs = performance.now()
    this.#workers.get(halted)!.child.kill('SIGSTOP')
    await this.#said(heir, /^share 5$/, beganMs)
    await sleep(this.#trial.random.whole(0, 500))
    this.#workers.get(halted)!.child.kill('SIGCONT')
    const wokenMs = performance.now()
    await this.#said(halted, /^share 0$/, wokenMs)
    return await this.#said(halted, /^share [1-5]$/, wokenMs) - wokenMs
  }

  /** Until both commit again, from the moment that its port is open. */
  async broker (): Promise<number> {
    const { stack, random } = this.#trial
    const broker = random.pick(stack.brokers)
    await broker.kill()
    await sleep(random.whole(0, 1_000))
    await broker.start()
    const openMs = performance.now()
    const commits = await Promise.all(['a', 'b'].map(member => this.#said(member, /^commits /, openMs)))
    return Math.max(...commits) - openMs
  }

  async end (): Promise<void> { for (const member of ['a', 'b']) await this.#down(member) }

  #pair (): readonly [string, string] { return this.#trial.random.chance(0.5) ? ['a', 'b'] : ['b', 'a'] }

  async #up (member: string, properties: Readonly<Record<string, string>> = {}): Promise<number> {
    this.#workers.set(member, this.#trial.start(member, { properties }))
    return this.#said(member, /^committed$/, 0)
  }

  async #down (member: string): Promise<number> {
    const worker = this.#workers.get(member)!
    this.#workers.delete(member)
    return worker.kill()
  }

  async #said (member: string, pattern: RegExp, sinceMs: number): Promise<number> {
    const worker = this.#workers.get(member)!
    const saidMs = await worker.said(pattern, sinceMs)
    if (saidMs === null) assert.fail(`${member} ended before it said ${pattern}: ${worker.complaint}`)
    return saidMs
  }
}

function tell (t: TestContext, { took }: Storm): void {
  const what: Readonly<Record<Action, string>> = {
    restart: 'from kill -9 to the first commit under the same name', takeover: 'from kill -9 until the other has all (session 6 s)', guest: 'a third comes, commits, and goes',
    zombie: 'from SIGCONT until it has a share again', broker: 'from the open port of a killed broker until all commit',
  }
  for (const [action, tookMs] of took) t.diagnostic(`${what[action]}: ${spread(tookMs)}`)
}

//  a  ▸ commits ───── ✂ ▸ ─── halted ────────── ▸ ────────
//  b  ▸ commits ── c comes, goes ── has all ────────── ✂ ▸
test('judges/eos: two workers that are killed, halted and joined by a third, on a broker that is killed too, deliver every record exactly once', { skip }, async t => {
  await judged(t, 1, async trial => {
    const storm = new Storm(trial)
    await storm.begin()
    const asked = slow ? Array.from({ length: 60 }, () => trial.random.pick(actions)) : ['restart', 'broker', 'takeover', 'guest', 'zombie', 'restart', 'broker'] as const
    for (const action of asked) await storm.do(action)
    await storm.end()
    tell(t, storm)
  })
})

// Before ids were renewed between their transactions, one run (SEED=473002) showed a reader 441 records of an aborted transaction in one of its partitions, as a
// marker that comes twice does it (docs/decisions/kafka.md); another run of that seed did not. Seven minutes: of the slow tier.
test('judges/eos: with three brokers, of which one after another is killed, two workers deliver every record exactly once', { skip: skip !== false || slow ? skip : 'MILLRACE_SLOW=1 runs it' }, async t => {
  await judged(t, 3, async trial => {
    const storm = new Storm(trial)
    await storm.begin()
    for (let round = 0; round < (slow ? 25 : 2); round += 1) {
      await storm.do('broker')
      if (round % 3 === 1) await storm.do('restart')
    }
    await storm.end()
    tell(t, storm)
  })
})
