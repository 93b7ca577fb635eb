import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import kafkajs, { type Admin } from 'kafkajs'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { Connections } from '../../connectors/kafka/connections.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import { findCoordinator } from '../../connectors/kafka/requests.ts'
import { lacking, type Stack, startStack } from '../../infra/local/stack.ts'
import { kafkaProbes } from '../contract/kafka-probes.ts'
import { KafkaTraffic } from '../kit/kafka-traffic.ts'

const { Kafka, logLevel } = kafkajs
const skip = await lacking({ cassandra: false }) ?? (process.env.MILLRACE_SLOW === '1' ? false : 'MILLRACE_SLOW=1 runs it')
const electedMsMax = 60_000
const internal = ['__consumer_offsets', '__transaction_state']
let stack: Stack

before(async () => { if (skip === false) stack = await startStack({ nodes: 3, cassandra: false, registry: false }) })
after(async () => { if (skip === false) await stack.stop() })

kafkaProbes({ name: 'kafka log on three brokers', skip, servers: async () => stack.bootstrapServers })

/** What a node is for those who use the log, and which one it is. */
type Role = (admin: Admin, prefix: string) => Promise<number>
const leaderOf = (topic: string): Role => async (admin, prefix) => (await partitionsOf(admin, prefix + topic))[0]!.leader
const coordinatorOf = (keyType: number, key: string): Role => async (_, prefix) => {
  const { brokers, clientId, connection } = kafkaSettings({ 'bootstrap.servers': stack.bootstrapServers })
  const wire = new Connections({ clientId, connection, joinTimeoutMs: connection.requestTimeoutMs })
  try {
    // One of them may be dead.
    const { coordinators: [found] } = await Promise.any(brokers.map(broker => wire.call(broker, 'control', findCoordinator, { keyType, coordinatorKeys: [prefix + key] })))
    return found!.nodeId
  } finally {
    await wire.close()
  }
}
const partitionsOf = async (admin: Admin, topic: string) => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions

const roles: Readonly<Record<string, Role>> = {
  'leader of what is appended and read': leaderOf('in'),
  'leader of what is committed': leaderOf('out'),
  'coordinator of the group': coordinatorOf(0, 'traffic'),
  'coordinator of a transactional id': coordinatorOf(1, 'traffic.m.0'),
}

async function until (what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; !await isSo().catch(() => false); waitedMs += 100) {
    assert(waitedMs < electedMsMax, what)
    await machineClock.sleep(100)
  }
}

//  appends, reads, commits   ──────────────x  (wait)  x──────────────────────────────
//  the node                  ──────────── kill -9                    starts ── in sync
//  another node              ─────────────────────── has its role ───────────────────
for (const [name, role] of Object.entries(roles)) {
  test(`kafka log on three brokers: whoever is the ${name} is killed in mid-run, another goes on, and nothing is lost or doubled`, { skip }, async t => {
    const prefix = `three${Object.keys(roles).indexOf(name)}.`
    const log = await openKafkaLog({ ...kafkaSettings({ 'bootstrap.servers': stack.bootstrapServers, 'topic.prefix': prefix, 'request.timeout.ms': '5000', 'session.timeout.ms': '6000' }), clock: machineClock })
    const admin = new Kafka({ brokers: stack.bootstrapServers.split(','), clientId: 'admin', logLevel: logLevel.NOTHING, retry: { retries: 20, maxRetryTime: 500 } }).admin()
    await admin.connect()
    try {
      for (const topic of ['in', 'out']) await log.createTopic({ name: topic, partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'LogAppendTime' })
      const inSync = async () => (await Promise.all([...internal, `${prefix}in`, `${prefix}out`].map(topic => partitionsOf(admin, topic)))).flat().every(({ isr }) => isr.length === 3)
      const traffic = new KafkaTraffic(log)
      await traffic.progress(50)
      await until('all replicas are in sync', inSync)
      const victim = await role(admin, prefix)
      const broker = stack.brokers[victim - 1]!
      await broker.kill()
      const killedMs = performance.now()
      await until('another has the role', async () => { const now = await role(admin, prefix); return now > 0 && now !== victim })
      await traffic.progress(50)
      t.diagnostic(`node ${victim} killed; all three go on after ${((performance.now() - killedMs) / 1_000).toFixed(1)} s`)
      await broker.start()
      await until('all replicas are in sync again', inSync)
      await traffic.progress(50)
      await traffic.rest()
      t.diagnostic(`appended ${traffic.appended.length}, committed ${traffic.committed}, memberships ${traffic.memberships}`)
    } finally {
      await admin.disconnect()
      await log.close()
    }
  })
}
