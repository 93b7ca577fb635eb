import type { ErrorEntry } from './entry.ts'

export const cassandraErrors = {
  LAKE_CONFIG: { fault: 'config', action: 'stop', says: 'Cannot use the configuration of Cassandra', advice: 'The message names the property. Properties stand in the profile under `lake`, in CASSANDRA_... variables, or are given with `-X cassandra.<property>=<value>`; docs/lake.md lists them. What is not known is refused, so that a slip of the pen is not passed over.' },
  LAKE_UNREACHABLE: { fault: 'external', action: 'retry', says: 'Cannot get an answer from Cassandra', advice: 'No node answers: they are down, starting, or not reachable from here. It is tried again; look at contact.points, at the addresses the nodes give themselves (rpc_address), and at firewalls. A node that speaks TLS hangs up on a client that does not.' },
  LAKE_DENIED: { fault: 'config', action: 'stop', says: 'Cannot use Cassandra: it refuses this client, or this client refuses it', advice: 'The user or password is wrong, a certificate is not trusted or names another host, or a right is missing: the message says which. Nothing was written.' },
  LAKE_ROW_REFUSED: { fault: 'data', action: 'dead-letter', says: 'Cannot store a row', advice: 'Cassandra takes keys of at most 65,535 bytes, and rows up to half of a segment of its commit log (16 MiB as it comes). The record goes to the dead letters; the rest is stored.' },
  LAKE_REFUSED: { fault: 'external', action: 'stop', says: 'Cannot do this: Cassandra refuses it', advice: 'The message has Cassandra\'s own words. Usually somebody changed or dropped a table while Millrace ran: `millrace lake plan <definition>` says what is missing.' },
} as const satisfies Record<string, ErrorEntry>
