import { createHash } from 'node:crypto'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { RegistryPort } from '../../pipelines/core/ports.ts'
import { parseAvro } from '../../schemas/avro-schema.ts'
import { conflicts } from '../../schemas/compatibility.ts'
import { schemaGuid } from '../../schemas/guid.ts'
import type { EmbeddedLog } from './log.ts'
import { checkName } from './names.ts'

/**
 * Schemas kept in the log's folder, numbered as a Confluent registry numbers them: ids from 1, the same schema (its JSON without white
 * space) the same id under every subject, versions of a subject from 1.
 *
 * Errors: REGISTRY_SCHEMA, LOG_NAME, LOG_READ_ONLY
 */
export function embeddedRegistry (log: EmbeddedLog): RegistryPort {
  const { schemas, env } = log.store
  const read = <T extends string | number>(...key: (string | number)[]): T | null => schemas.get(key) as T | undefined ?? null
  const fresh = () => { env.resetReadTxn() }
  const versionOf = (subject: string, version: number) => {
    const id = read<number>('subject', subject, version)
    return id === null ? null : { id, version, schema: read<string>('id', id)! }
  }
  return {
    async byId (id) {
      fresh()
      return read<string>('id', id)
    },
    async byGuid (guid) {
      fresh()
      for (const { value } of schemas.getRange({ start: ['id'], end: ['id\u0000'] })) if (schemaGuid(String(value)) === guid) return String(value)
      return null
    },
    async register (subject, avro) {
      checkName('subject', subject)
      const text = canonical(avro)
      const hash = createHash('sha256').update(text).digest('hex')
      // Two registrations of one moment must see each other: one at a time.
      return log.writer.exclusive(changes => {
        const known = read<number>('text', hash)
        const id = known ?? (read<number>('ids') ?? 0) + 1
        const versions = read<number>('versions', subject) ?? 0
        const registered = Array.from({ length: versions }, (_, index) => read<number>('subject', subject, index + 1)).includes(id)
        changes.write(() => {
          if (known === null) {
            void schemas.put(['ids'], id)
            void schemas.put(['id', id], text)
            void schemas.put(['text', hash], id)
          }
          if (registered) return
          void schemas.put(['versions', subject], versions + 1)
          void schemas.put(['subject', subject, versions + 1], id)
        })
        return id
      })
    },
    async conflicts (subject, avro) {
      const latest = await this.latest(subject)
      return latest === null ? [] : conflicts('BACKWARD', parseAvro(avro), [parseAvro(latest.schema)]).map(({ says, direction }) => `${says} (${direction})`)
    },
    async latest (subject) {
      fresh()
      const versions = read<number>('versions', subject)
      return versions === null ? null : versionOf(subject, versions)
    },
    async version (subject, version) {
      fresh()
      return versionOf(subject, version)
    },
    async subjects () {
      fresh()
      return [...schemas.getKeys({ start: ['versions'], end: ['versions\u0000'] })].map(key => String(key[1])).sort()
    },
  }
}

function canonical (avro: string): string {
  let parsed: unknown
  try {
    parsed = JSON.parse(avro)
  } catch {
    // The bare name of a type is Avro JSON to a registry, though not JSON.
    parsed = /^[A-Za-z_][\w.]*$/.test(avro.trim()) ? avro.trim() : null
  }
  const isType = typeof parsed === 'string' || Array.isArray(parsed) || (parsed !== null && typeof parsed === 'object' && 'type' in parsed)
  if (!isType) throw new StreamError('REGISTRY_SCHEMA', { schema: avro.slice(0, 200) })
  return JSON.stringify(parsed)
}
