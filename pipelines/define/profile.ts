import { readFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import * as z from 'zod'
import { StreamError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'

/** Values for `${name}` in a definition. */
export type Variables = Readonly<Record<string, string | number | boolean>>

const property = z.union([z.string(), z.number(), z.boolean()]).transform(String)
const properties = z.record(z.string(), property)
const profileSchema = z.strictObject({
  kafka: properties.optional().describe('properties of the connection, by Kafka\'s own names: bootstrap.servers, security.protocol, ...'),
  registry: properties.optional().describe('schema.registry.url, basic.auth.user.info, ...'),
  topics: z.strictObject({
    prefix: z.string().optional().describe('stands before the name of every topic and group'),
    replication: z.int().min(1).max(32).optional(),
    partitions: z.int().min(1).max(1024).optional().describe('of topics that are not there yet'),
  }).optional(),
  lake: z.object({ keyspace: z.string().regex(/^[a-z][a-z0-9_]{0,47}$/, 'lower-case letters, digits and _, at most 48').optional() }).catchall(property).optional().describe('properties of the Cassandra that has the lake: contact.points, local.data.center, username, ...; with none, the lake is a file in the data folder'),
  variables: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'letters, digits and _'), z.union([z.string(), z.number(), z.boolean()])).optional().describe('values for variables of a definition'),
})
const fileSchema = z.record(z.string(), profileSchema)

/** Where a definition runs, under a name. */
export type Profile = z.output<typeof profileSchema>

/** Known without any file: a cluster and a registry of this machine, at the ports everybody uses. */
export const builtIn: Readonly<Record<string, Profile>> = {
  kafka: { kafka: { 'bootstrap.servers': 'localhost:9092' }, registry: { 'schema.registry.url': 'http://localhost:8081' } },
}

export interface ProfileAsk {
  readonly name: string
  /** The first that is there counts; null when none has to be. */
  readonly files: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
}

/**
 * Read a profile from a file of them, `name: { kafka, registry, topics, lake, variables }`. A property may be `${env:NAME}` or `${file:/path}`, so
 * that no secret stands in the file.
 *
 * Errors: PROFILE_INVALID names the file, the place and the nearest name
 */
export async function readProfile ({ name, files, environment }: ProfileAsk): Promise<Profile> {
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return null
      throw new StreamError('PROFILE_INVALID', { file, why: cause.code ?? cause.message }, { cause })
    })
    if (text === null) continue
    const profiles = { ...builtIn, ...profilesIn(text, file) }
    const found = profiles[name]
    if (found === undefined) throw new StreamError('PROFILE_INVALID', { file, profile: name, why: 'there is none of that name', nearest: nearest(name, Object.keys(profiles)), there: Object.keys(profiles) })
    return resolved(found, { file, profile: name, environment })
  }
  const known = builtIn[name]
  if (known === undefined) throw new StreamError('PROFILE_INVALID', { profile: name, why: 'no file of profiles was found', files, there: Object.keys(builtIn) })
  return known
}

function profilesIn (text: string, file: string): Readonly<Record<string, Profile>> {
  const document = parseDocument(text, { prettyErrors: true })
  const [mistake] = document.errors
  if (mistake !== undefined) throw new StreamError('PROFILE_INVALID', { file, why: mistake.message.split('\n')[0] })
  const parsed = fileSchema.safeParse(document.toJS({ maxAliasCount: 100 }) ?? {})
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const unknown = issue!.code === 'unrecognized_keys' ? issue!.keys[0] ?? null : null
  const place = [...issue!.path, ...unknown === null ? [] : [unknown]].join('.')
  throw new StreamError('PROFILE_INVALID', { file, place, why: unknown === null ? issue!.message : 'there is no such word here', ...unknown !== null && { nearest: nearest(unknown, [...Object.keys(profileSchema.shape), 'prefix', 'replication', 'partitions', 'keyspace']) } })
}

interface Resolving { readonly file: string, readonly profile: string, readonly environment: ProfileAsk['environment'] }

function resolved ({ kafka, registry, lake, ...rest }: Profile, resolving: Resolving): Profile {
  const each = (part: string, given: Readonly<Record<string, string>> | undefined) => given && Object.fromEntries(Object.entries(given).map(([name, value]) => [name, filled(value, { ...resolving, place: `${part}.${name}` })]))
  const [cluster, schemas, cassandra] = [each('kafka', kafka), each('registry', registry), each('lake', lake as Readonly<Record<string, string>>)]
  return { ...rest, ...cluster && { kafka: cluster }, ...schemas && { registry: schemas }, ...cassandra && { lake: cassandra } }
}

/** Source: the names of Kafka's own configuration providers. */
function filled (value: string, { file, profile, place, environment }: Resolving & { readonly place: string }): string {
  return value.replace(/\$\{(env|file):([^}]+)\}/g, (_, kind: 'env' | 'file', from: string) => {
    if (kind === 'env') {
      const found = environment[from]
      if (found === undefined) throw new StreamError('PROFILE_INVALID', { file, profile, place, variable: from, why: 'the environment does not have it' })
      return found
    }
    try { return readFileSync(from, 'utf8').trimEnd() } catch (cause) { throw new StreamError('PROFILE_INVALID', { file, profile, place, reads: from, why: (cause as NodeJS.ErrnoException).code }, { cause }) }
  })
}
