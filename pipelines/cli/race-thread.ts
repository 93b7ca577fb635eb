import { parentPort, workerData } from 'node:worker_threads'
import type { ControlEvent } from '../../schemas/control-event.ts'
import { StreamError } from '../core/errors.ts'
import { compileDefinition } from '../define/compile.ts'
import { loadDefinition } from '../define/load.ts'
import { raceOf } from './engine.ts'
import { kafkaTarget } from './kafka.ts'
import { exportVariables } from './target.ts'
import type { ThreadSaid, ThreadStart } from './threaded-race.ts'

/** One thread of a race: a member of the group with a share of the partitions, until it is told to stop. */
const shownMax = 20
const { facts, definition: file, folder, member, reset, standby, everyMs } = workerData as ThreadStart
const say = (said: ThreadSaid) => { parentPort!.postMessage(said) }
const stop = new AbortController()
parentPort!.on('message', () => { stop.abort() })

try {
  const target = kafkaTarget(facts)
  exportVariables(target.variables)
  const definition = await loadDefinition(file, { contracts: target.contracts, variables: target.variables })
  const system = await target.open(folder)
  let events: ControlEvent[] = []
  const race = await raceOf(compileDefinition(definition), {
    definition, system, member, standby, partitions: null, reset: stage => reset.includes(stage),
    onEvent: event => { if (events.length < shownMax) events.push(event) },
  })
  const tell = () => {
    const { status, committed: { health, ...committed } } = race
    say({ kind: 'now', status: { ...status, health: { ...status.health, tasks: status.health.tasks() } }, committed, events })
    events = []
  }
  const telling = setInterval(tell, everyMs)
  try {
    await race.run(stop.signal, () => { say({ kind: 'ready' }) })
  } finally {
    clearInterval(telling)
    tell()
    await system.log.close()
  }
} catch (error) {
  const known = error instanceof StreamError
  say({ kind: 'failed', code: known ? error.code : null, details: known ? JSON.parse(JSON.stringify(error.details)) as Record<string, unknown> : {}, message: error instanceof Error ? error.stack ?? error.message : String(error) })
}
parentPort!.close()
