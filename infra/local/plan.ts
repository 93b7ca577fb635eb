import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CassandraPorts } from './cassandra.ts'
import { kafkaVersion } from './jars.ts'
import type { KafkaPorts } from './kafka.ts'
import { areFree, freePorts } from './ports.ts'
import { StackProblem } from './problem.ts'
import type { Users } from './secure.ts'

export interface PlanOptions { readonly folder: string, readonly nodes: 1 | 3, readonly secure: boolean, /** Of Kafka; absent: what the folder was last started with, else the default. */ readonly version?: string }

/** What a folder's stack keeps from start to start: Kafka's storage knows the nodes and the passwords, people the ports. */
export interface Plan { readonly nodes: 1 | 3, readonly secure: boolean, readonly users: Users, readonly kafka: readonly KafkaPorts[], readonly kafkaVersion: string, readonly cassandra: CassandraPorts, readonly registry: number }

/**
 * The plan of a folder, made when there is none. Ports that something else has taken meanwhile are replaced.
 *
 * Errors: StackProblem when the folder was made with other options
 */
export async function planOf ({ folder, nodes, secure, version }: PlanOptions): Promise<Plan> {
  const file = join(folder, 'stack.json')
  const old = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as Plan : null
  if (old !== null && (old.nodes !== nodes || old.secure !== secure)) {
    throw new StackProblem(`Cannot start on ${folder}: it was made with --nodes ${old.nodes}${old.secure ? ' --secure' : ''}. Use the same options, or another folder`)
  }
  const kept = { kafkaVersion: kafkaVersion(version ?? old?.kafkaVersion) }
  if (old !== null && await areFree(portsOf(old))) return written(file, { ...old, ...kept })
  const free = await freePorts(nodes * 3 + 4)
  const [cql, storage, jmx, registry] = free.slice(nodes * 3) as [number, number, number, number]
  const user = (name: string) => ({ name, password: randomBytes(12).toString('hex') })
  return written(file, {
    ...kept, nodes, secure, registry, cassandra: { cql, storage, jmx },
    users: old?.users ?? { admin: user('admin'), millrace: user('millrace'), guest: user('guest') },
    kafka: Array.from({ length: nodes }, (_, at) => ({ clients: free[at * 3]!, controller: free[at * 3 + 1]!, mutual: free[at * 3 + 2]! })),
  })
}

function written (file: string, plan: Plan): Plan {
  writeFileSync(file, JSON.stringify(plan, null, 2), { mode: 0o600 })
  return plan
}

const portsOf = ({ kafka, cassandra, registry }: Plan) => [...kafka.flatMap(ports => Object.values(ports)), ...Object.values(cassandra), registry] as readonly number[]
