import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import kafkajs, { type KafkaConfig } from 'kafkajs'
import { makeCertificate } from './certificate.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, ResourcePatternTypes } = kafkajs

export interface User { readonly name: string, readonly password: string }
export type Users = Readonly<Record<'admin' | 'millrace' | 'guest', User>>
export interface KeyFiles { readonly certFile: string, readonly keyFile: string }

/**
 * Certificates, users and what follows from them: `admin` may do everything, `millrace` what a pipeline needs, `guest` nothing.
 * Each also has a certificate for mutual TLS. All files are PEM.
 */
export interface Secure {
  readonly users: Users
  /** Clients trust it. */
  readonly caFile: string
  /** A CA that signed nothing here, for what must be refused. */
  readonly otherCaFile: string
  readonly certificates: Readonly<Record<'server' | 'admin' | 'millrace' | 'guest', KeyFiles>>
  /** Private key and certificate of the servers in one file. */
  readonly serverFile: string
  /** The TLS and SASL part of a kafkajs configuration. */
  readonly kafkajs: (user: User) => Pick<KafkaConfig, 'ssl' | 'sasl'>
  readonly brokerProperties: () => Readonly<Record<string, string | number>>
}

/** Make a CA, a certificate for the servers and one for each user. Old ones of the folder are replaced. */
export async function makeSecure (folder: string, users: Users, tokens = false): Promise<Secure> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const ca = makeCertificate('millrace-local-ca', null)
  const filesOf = async (name: string): Promise<readonly [string, KeyFiles]> => {
    const { cert, key } = makeCertificate(name, ca)
    const files = { certFile: join(folder, `${name}.crt.pem`), keyFile: join(folder, `${name}.key.pem`) }
    await writeFile(files.certFile, cert)
    await writeFile(files.keyFile, key, { mode: 0o600 })
    if (name === 'server') await writeFile(serverFile, `${key}${cert}`, { mode: 0o600 })
    return [name, files]
  }
  const [caFile, otherCaFile, serverFile] = [join(folder, 'ca.pem'), join(folder, 'other-ca.pem'), join(folder, 'server.pem')]
  await writeFile(caFile, ca.cert)
  await writeFile(otherCaFile, makeCertificate('another-ca', null).cert)
  const certificates = Object.fromEntries(await Promise.all(['server', 'admin', 'millrace', 'guest'].map(filesOf))) as Secure['certificates']
  return {
    users, caFile, otherCaFile, certificates, serverFile,
    kafkajs: ({ name, password }) => ({ ssl: { ca: [ca.cert] }, sasl: { mechanism: 'scram-sha-512', username: name, password } }),
    brokerProperties: () => ({ ...brokerProperties({ users, caFile, serverFile }), ...tokens && tokenProperties }),
  }
}

/** Kafka's own validator for tests: unsigned tokens. Sessions end soon, so that logins are renewed. */
const tokenProperties = {
  'sasl.enabled.mechanisms': 'SCRAM-SHA-512,SCRAM-SHA-256,PLAIN,OAUTHBEARER',
  'listener.name.clients.oauthbearer.sasl.jaas.config': 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="admin";',
  'listener.name.clients.oauthbearer.connections.max.reauth.ms': 3_000,
} as const

function brokerProperties ({ users, caFile, serverFile }: Pick<Secure, 'users' | 'caFile' | 'serverFile'>): Readonly<Record<string, string>> {
  const scram = ({ name, password }: User) => `org.apache.kafka.common.security.scram.ScramLoginModule required username="${name}" password="${password}";`
  const plain = Object.values(users).map(({ name, password }) => `user_${name}="${password}"`).join(' ')
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': serverFile,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': caFile,
    'ssl.principal.mapping.rules': 'RULE:^CN=([^,]+).*$/$1/,DEFAULT',
    'listener.name.mutual.ssl.client.auth': 'required',
    'listener.name.controller.ssl.client.auth': 'required',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512,SCRAM-SHA-256,PLAIN',
    'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-512',
    'listener.name.clients.scram-sha-512.sasl.jaas.config': scram(users.admin),
    'listener.name.clients.scram-sha-256.sasl.jaas.config': scram(users.admin),
    'listener.name.clients.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${plain};`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': 'false',
    'super.users': 'User:admin;User:server',
  }
}

/** `millrace` may make, read and write topics, and use groups and transactional ids. */
export async function allowPipelines (config: KafkaConfig): Promise<void> {
  const admin = new Kafka(config).admin()
  await admin.connect()
  try {
    const allowed = (resourceType: number, resourceName = '*') => ({
      resourceType, resourceName, resourcePatternType: ResourcePatternTypes.LITERAL, principal: 'User:millrace', host: '*',
      operation: AclOperationTypes.ALL, permissionType: AclPermissionTypes.ALLOW,
    })
    await admin.createAcls({ acl: [allowed(AclResourceTypes.TOPIC), allowed(AclResourceTypes.GROUP), allowed(AclResourceTypes.TRANSACTIONAL_ID)] })
  } finally {
    await admin.disconnect()
  }
}
