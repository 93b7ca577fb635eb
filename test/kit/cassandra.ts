import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after } from 'node:test'
import cassandra from 'cassandra-driver'
import { shutHost } from '../../connectors/cassandra/driver.ts'
import { dataCentre } from '../../infra/local/cassandra.ts'
import { lacking, type Stack, startStack } from '../../infra/local/stack.ts'

type Environment = Readonly<Record<string, string>>

/** The user's, else that of `npm test` for all files. */
const given = givenEnvironment()

/** The reason why there is no Cassandra to test against; null when there is one. */
export const noCassandra: string | null = given === null ? await lacking({ cassandra: true }) : null

let own: Promise<Stack> | null = null
const open = new Set<CassandraUnderTest>()

// Here and not where it starts: inside a test it would be stopped with that test.
after(async () => {
  for (const keyspace of open) await keyspace.finish()
  await (await own)?.stop()
})

/** A Cassandra that runs already, else one of our own for this test file, as the variables that say how to reach it. */
export async function cassandraEnvironment (): Promise<Environment> {
  if (given !== null) return given
  own ??= ownCassandra()
  return (await own).environment
}

/** One that a test may kill and halt, and which loses nothing that it acknowledged: `cassandra` of the stack. The caller stops the stack. */
export function ownCassandra (): Promise<Stack> { return startStack({ kafka: false, registry: false, durable: true }) }

export interface CassandraUnderTest {
  /** CASSANDRA_CONTACT_POINTS and its like, with CASSANDRA_KEYSPACE. */
  readonly environment: Environment
  readonly keyspace: string
  /** To look with. */
  readonly client: cassandra.Client
  readonly finish: () => Promise<void>
}

/** An empty keyspace of its own in that Cassandra, or in the one given. Dropped by `finish`, or at the end of the file. */
export async function cassandraKeyspace (of?: Environment): Promise<CassandraUnderTest> {
  const environment = of ?? await cassandraEnvironment()
  const keyspace = `t${randomBytes(6).toString('hex')}`
  const client = new cassandra.Client(clientOptions(environment))
  // One that a test has killed and started may be another one to the driver, which would look for the first for ever.
  client.on('hostRemove', (host: cassandra.Host) => { void shutHost(host).catch(() => {}) })
  await client.connect()
  await client.execute(`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`)
  const under: CassandraUnderTest = {
    environment: { ...environment, CASSANDRA_KEYSPACE: keyspace }, keyspace, client,
    finish: async () => {
      if (!open.delete(under)) return
      await client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`)
      await client.shutdown()
    },
  }
  open.add(under)
  return under
}

/** Requests of a test may take long: a table is made beside others that are. */
function clientOptions ({ CASSANDRA_CONTACT_POINTS: points = '', CASSANDRA_LOCAL_DATA_CENTER: localDataCenter = dataCentre, CASSANDRA_USERNAME: username, CASSANDRA_PASSWORD: password = '', CASSANDRA_SSL_CA_LOCATION: caFile }: Environment): cassandra.ClientOptions {
  return {
    contactPoints: points.split(','), localDataCenter, socketOptions: { readTimeout: 60_000 },
    // A Cassandra that a test has killed and started is found at once.
    policies: { reconnection: new cassandra.policies.reconnection.ConstantReconnectionPolicy(250) },
    ...username !== undefined && { credentials: { username, password } },
    ...caFile !== undefined && { sslOptions: { ca: [readFileSync(caFile)], rejectUnauthorized: true } },
  }
}

function givenEnvironment (): Environment | null {
  const variables = Object.entries(process.env).filter((entry): entry is [string, string] => entry[0].startsWith('CASSANDRA_') && entry[1] !== undefined)
  if (process.env.CASSANDRA_CONTACT_POINTS !== undefined) return Object.fromEntries(variables)
  const shared = process.env.MILLRACE_TEST_CASSANDRA
  return shared === undefined ? null : { CASSANDRA_CONTACT_POINTS: shared, CASSANDRA_LOCAL_DATA_CENTER: dataCentre }
}
