import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { checkServerIdentity, type ConnectionOptions, type PeerCertificate } from 'node:tls'
import { auth, Client, errors, type Host, policies, type QueryOptions, types } from 'cassandra-driver'
import { StreamError } from '../../pipelines/core/errors.ts'
import { secureContextOf, type TlsSettings } from './certificates.ts'
import type { CassandraSettings, ContactPoint } from './config.ts'
import { shutHost } from './driver.ts'
import { lakeError, wrongLogin } from './errors.ts'

const versionMin = 5
/** The driver would wait up to ten minutes before it looks again for a node that was away for long. */
const reconnectMsMax = 5_000
const reconnectMsMin = 250

/** A cluster that answers. */
export interface CassandraSession {
  readonly client: Client
  readonly settings: CassandraSettings
  /** Nodes that are up in the local data centre, by address. */
  readonly nodes: readonly string[]
  /** Errors: as `lakeError` says */
  execute (cql: string, parameters?: readonly unknown[], options?: QueryOptions): Promise<types.ResultSet>
  close (): Promise<void>
}

/**
 * Connect to a cluster. Certificates are always checked, and with them the node's address, or a name that stands for it.
 *
 * Errors: LAKE_UNREACHABLE, LAKE_DENIED, LAKE_CONFIG for a data centre that is not there and for a Cassandra before 5.0
 */
export async function openSession (settings: CassandraSettings): Promise<CassandraSession> {
  const client = new Client(await optionsOf(settings))
  client.on('hostRemove', (host: Host) => { void shutHost(host).catch(() => {}) })
  const contact = settings.contactPoints.map(pointText).join(',')
  try {
    await client.connect()
    checkVersions(client)
  } catch (error) {
    await client.shutdown().catch(() => {})
    throw connectError(error, settings, contact)
  }
  return {
    client, settings,
    get nodes () { return client.hosts.values().filter(host => host.datacenter === settings.localDataCenter && host.isUp()).map(({ address }) => address).toSorted() },
    async execute (cql, parameters, options) {
      try {
        return await client.execute(cql, parameters as unknown[] | undefined, options)
      } catch (error) {
        throw lakeError(error)
      }
    },
    close: () => client.shutdown(),
  }
}

const pointText = ({ host, port }: ContactPoint) => `${isIP(host) === 6 ? `[${host}]` : host}:${port}`

async function optionsOf (settings: CassandraSettings): Promise<ConstructorParameters<typeof Client>[0]> {
  const { contactPoints, localDataCenter, login, tls, requestTimeoutMs, connectTimeoutMs } = settings
  return {
    contactPoints: contactPoints.map(pointText),
    policies: {
      // Told here and not as `localDataCenter`, because the driver then closes its connection when there is none of that name.
      loadBalancing: new policies.loadBalancing.DefaultLoadBalancingPolicy({ localDc: localDataCenter }),
      // Everything that Millrace writes has its time from the data, or from the server: the clock of this machine decides nothing.
      timestampGeneration: null as never,
      reconnection: new policies.reconnection.ExponentialReconnectionPolicy(reconnectMsMin, reconnectMsMax, false),
    },
    protocolOptions: { maxVersion: types.protocolVersion.v4 },
    queryOptions: { consistency: consistencyOf(settings), prepare: true, isIdempotent: true },
    socketOptions: { readTimeout: requestTimeoutMs, connectTimeout: connectTimeoutMs },
    monitorReporting: { enabled: false },
    applicationName: 'millrace',
    ...login !== null && { authProvider: new auth.PlainTextAuthProvider(login.username, login.password) },
    // A server that knows the client by its certificate asks all the same, and takes any answer.
    ...login === null && tls?.certFile !== undefined && { authProvider: new auth.PlainTextAuthProvider('', '') },
    ...tls !== null && { sslOptions: await sslOptions(tls, contactPoints) },
  }
}

/** The driver's number for it. */
export function consistencyOf ({ consistency }: CassandraSettings): types.consistencies { return types.consistencies[consistencyNames[consistency]] }

const consistencyNames = { LOCAL_ONE: 'localOne', ONE: 'one', TWO: 'two', THREE: 'three', LOCAL_QUORUM: 'localQuorum', QUORUM: 'quorum', EACH_QUORUM: 'eachQuorum', ALL: 'all' } as const

async function sslOptions (tls: TlsSettings, contactPoints: readonly ContactPoint[]): Promise<ConnectionOptions> {
  const { serverName } = tls
  secureContextOf(tls)
  const names = await namesByAddress(contactPoints)
  return {
    rejectUnauthorized: true,
    checkServerIdentity: (address, certificate) => identityError(certificate, [address, ...names.get(address) ?? [], ...serverName === undefined ? [] : [serverName]]),
    // The driver copies these options for every connection it opens, and so asks again.
    get secureContext () { return secureContextOf(tls) },
  }
}

/** The driver connects to addresses; a contact point's name counts for the addresses that it has. */
async function namesByAddress (contactPoints: readonly ContactPoint[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const names = new Map<string, string[]>()
  for (const { host } of contactPoints) {
    if (isIP(host) !== 0) continue
    for (const { address } of await lookup(host, { all: true }).catch(() => [])) names.set(address, [...names.get(address) ?? [], host])
  }
  return names
}

function identityError (certificate: PeerCertificate, names: readonly string[]): Error | undefined {
  const found = names.map(name => checkServerIdentity(name, certificate))
  return found.includes(undefined) ? undefined : found[0]
}

function connectError (error: unknown, { localDataCenter, login, tls }: CassandraSettings, contactPoints: string): StreamError {
  if (error instanceof errors.ArgumentError) {
    const [, there] = /Available DCs are: \[([^\]]*)\]/.exec(error.message) ?? []
    return new StreamError('LAKE_CONFIG', there === undefined ? { contactPoints, why: error.message } : { property: 'local.data.center', is: localDataCenter, there: there.split(',') }, { cause: error })
  }
  const told = lakeError(error, { contactPoints })
  if (told.details.why !== wrongLogin || login !== null || tls?.certFile === undefined) return told
  return new StreamError('LAKE_DENIED', { ...told.details, why: 'it does not log this certificate in' }, { cause: error })
}

function checkVersions (client: Client): void {
  for (const { address, cassandraVersion } of client.hosts.values()) {
    if (cassandraVersion && Number.parseInt(cassandraVersion, 10) < versionMin) throw new StreamError('LAKE_CONFIG', { host: address, cassandra: cassandraVersion, wanted: `${versionMin}.0 or later` })
  }
}
