import type { RegistryPort } from '../../pipelines/core/ports.ts'
import { AvroProblem, type AvroType, parseAvro } from '../../schemas/avro-schema.ts'
import { type CompatibilityLevel, type Conflict, conflicts } from '../../schemas/compatibility.ts'
import { schemaGuid } from '../../schemas/guid.ts'
import { Refusal, refusals } from './refusal.ts'
import type { Mode, RegistryChange, RegistryStore, SchemaVersion } from './store.ts'

export interface Registration { readonly subject: string, readonly schema: string, /** Only in mode IMPORT. */ readonly id?: number | undefined, readonly version?: number | undefined }
/** `latest`, or a version's number. */
export type VersionName = number | 'latest'

const subjectLengthMax = 255
const versionMax = 2 ** 31 - 1

/**
 * All that a Confluent registry does, without HTTP: ids from 1, the same schema (its JSON without white space) the same id under every
 * subject, versions of a subject from 1, soft and permanent deletion, levels and modes, global and of a subject.
 *
 * State:  every schema, in memory; changes go to the store before they are seen, one at a time
 * Errors: throws Refusal
 */
export class SchemaCatalogue {
  readonly #store: RegistryStore
  readonly #subjects = new Map<string, SchemaVersion[]>()
  readonly #levels = new Map<string | null, CompatibilityLevel>()
  readonly #modes = new Map<string | null, Mode>()
  readonly #types = new Map<string, AvroType>()
  readonly #byId = new Map<number, { readonly schema: string, uses: number }>()
  readonly #byText = new Map<string, number>()
  #lastId = 0
  #turn: Promise<unknown> = Promise.resolve()

  static async open (store: RegistryStore): Promise<SchemaCatalogue> {
    const catalogue = new SchemaCatalogue(store)
    for (const change of await store.load()) catalogue.#apply(change)
    return catalogue
  }

  private constructor (store: RegistryStore) { this.#store = store }

  register ({ subject, schema, id: wantedId, version: wantedVersion }: Registration): Promise<number> {
    return this.#exclusive(async () => {
      checkSubject(subject)
      const text = canonical(schema)
      const type = this.#type(text)
      const mode = this.mode(subject)
      const importing = mode === 'IMPORT'
      if (mode === 'READONLY') throw refusals.forbidden(`Subject ${subject} is in read-only mode`)
      if (!importing && wantedId !== undefined) throw refusals.forbidden(`Subject ${subject} is not in import mode`)
      const live = this.#live(subject)
      const same = live.find(one => one.schema === text && (wantedId === undefined || one.id === wantedId))
      if (same !== undefined) return same.id
      if (!importing) this.#mustFit(subject, type, live)
      if (wantedId !== undefined && (this.byId(wantedId) ?? text) !== text) throw refusals.forbidden(`Overwrite new schema with id ${wantedId} is not permitted.`)
      const id = wantedId ?? this.#byText.get(text) ?? this.#lastId + 1
      if (importing && this.#subjects.get(subject)?.some(one => one.version === wantedVersion)) throw refusals.forbidden(`Overwrite version ${wantedVersion} of subject ${subject} is not permitted.`)
      const version = (importing ? wantedVersion : undefined) ?? (this.#subjects.get(subject)?.at(-1)?.version ?? 0) + 1
      await this.#change({ kind: 'schema', subject, version, id, schema: text, deleted: false })
      return id
    })
  }

  /** The version of a subject that has this schema. */
  lookUp (subject: string, schema: string, { deleted = false } = {}): SchemaVersion {
    const versions = this.#versionsOf(subject, deleted)
    const text = canonical(schema)
    this.#type(text)
    const found = versions.findLast(one => one.schema === text)
    if (found === undefined) throw refusals.schemaUnknown()
    return found
  }

  /** Also of versions softly deleted; null when there is none. */
  byId (id: number): string | null { return this.#byId.get(id)?.schema ?? null }

  byGuid (guid: string): string | null {
    for (const { schema } of this.#byId.values()) if (schemaGuid(schema) === guid) return schema
    return null
  }

  /** Every version of every subject, by subject and version. */
  all ({ deleted = false } = {}): readonly SchemaVersion[] {
    return this.subjects({ deleted }).flatMap(subject => this.#subjects.get(subject)!.filter(one => deleted || !one.deleted))
  }

  subjects ({ deleted = false } = {}): readonly string[] {
    return [...this.#subjects].filter(([, versions]) => versions.some(one => deleted || !one.deleted)).map(([subject]) => subject).sort()
  }

  versions (subject: string, { deleted = false } = {}): readonly SchemaVersion[] { return this.#versionsOf(subject, deleted) }

  version (subject: string, name: VersionName, { deleted = false } = {}): SchemaVersion {
    const versions = this.#versionsOf(subject, deleted)
    const found = name === 'latest' ? versions.at(-1) : versions.find(one => one.version === name)
    if (found === undefined) throw refusals.versionUnknown(name)
    return found
  }

  deleteSubject (subject: string, { permanent = false } = {}): Promise<readonly number[]> {
    return this.#exclusive(async () => {
      this.#mustBeWritable(subject)
      const all = this.#subjects.get(subject) ?? []
      if (all.length === 0) throw refusals.subjectUnknown(subject)
      const live = all.filter(one => !one.deleted)
      if (permanent && live.length > 0) throw refusals.subjectNotDeleted(subject)
      if (!permanent && live.length === 0) throw refusals.subjectDeleted(subject)
      const gone = permanent ? all : live
      const settings: RegistryChange[] = [...this.#levels.has(subject) ? [{ kind: 'config', subject, level: null } as const] : [], ...this.#modes.has(subject) ? [{ kind: 'mode', subject, mode: null } as const] : []]
      await this.#change(...gone.map(one => removal(one, permanent)), ...permanent ? [{ kind: 'ids', last: this.#lastId } as const] : [], ...settings)
      return gone.map(one => one.version)
    })
  }

  deleteVersion (subject: string, name: VersionName, { permanent = false } = {}): Promise<number> {
    return this.#exclusive(async () => {
      this.#mustBeWritable(subject)
      const found = this.version(subject, name, { deleted: true })
      if (permanent && !found.deleted) throw refusals.versionNotDeleted(subject, found.version)
      if (!permanent && found.deleted) throw refusals.versionDeleted(subject, found.version)
      await this.#change(removal(found, permanent), ...permanent ? [{ kind: 'ids', last: this.#lastId } as const] : [])
      return found.version
    })
  }

  /** The level in force for a subject, or the global one. */
  level (subject: string | null): CompatibilityLevel { return this.#levels.get(subject) ?? this.#levels.get(null) ?? 'BACKWARD' }
  /** A subject's own level; null when it has none. */
  ownLevel (subject: string): CompatibilityLevel | null { return this.#levels.get(subject) ?? null }
  setLevel (subject: string | null, level: CompatibilityLevel | null): Promise<void> {
    return this.#exclusive(async () => {
      if (subject !== null) checkSubject(subject)
      await this.#change({ kind: 'config', subject, level })
    })
  }

  mode (subject: string | null): Mode { return this.#modes.get(subject) ?? this.#modes.get(null) ?? 'READWRITE' }
  ownMode (subject: string): Mode | null { return this.#modes.get(subject) ?? null }
  /** Into IMPORT only where nothing is registered, unless forced: what is imported brings ids of its own. */
  setMode (subject: string | null, mode: Mode | null, { force = false } = {}): Promise<void> {
    return this.#exclusive(async () => {
      if (subject !== null) checkSubject(subject)
      const used = subject === null ? this.subjects().length > 0 : this.#live(subject).length > 0
      if (mode === 'IMPORT' && used && !force && this.mode(subject) !== 'IMPORT') throw refusals.forbidden('Cannot import since found existing subjects')
      await this.#change({ kind: 'mode', subject, mode })
    })
  }

  /** Why a schema may not follow versions of a subject under its level; against one version, its transitive forms mean the same. */
  conflicts (subject: string, schema: string, name: VersionName | 'all'): readonly Conflict[] {
    const type = this.#type(canonical(schema))
    if (name === 'all') return conflicts(this.level(subject), type, this.#live(subject).map(one => this.#type(one.schema)))
    return conflicts(this.level(subject), type, [this.#type(this.version(subject, name).schema)])
  }

  #mustFit (subject: string, type: AvroType, live: readonly SchemaVersion[]): void {
    const level = this.level(subject)
    const found = conflicts(level, type, live.map(one => this.#type(one.schema)))
    if (found.length === 0) return
    const details = found.map(({ kind, says, against, direction }) => `{errorType:'${kind}', description:'${says}', version:${live[against]!.version}, direction:'${direction}'}`)
    throw new Refusal(409, `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: [${details.join(', ')}, {compatibility: '${level}'}]`)
  }

  #mustBeWritable (subject: string): void {
    if (this.mode(subject) === 'READONLY') throw refusals.forbidden(`Subject ${subject} is in read-only mode`)
  }

  #live (subject: string): readonly SchemaVersion[] { return (this.#subjects.get(subject) ?? []).filter(one => !one.deleted) }

  #versionsOf (subject: string, deleted: boolean): readonly SchemaVersion[] {
    const versions = deleted ? this.#subjects.get(subject) ?? [] : this.#live(subject)
    if (versions.length === 0) throw refusals.subjectUnknown(subject)
    return versions
  }

  #type (text: string): AvroType {
    const known = this.#types.get(text)
    if (known !== undefined) return known
    try {
      const type = parseAvro(text)
      // Only what is kept stays parsed.
      if (this.#byText.has(text)) this.#types.set(text, type)
      return type
    } catch (cause) {
      if (!(cause instanceof AvroProblem)) throw cause
      throw refusals.schemaInvalid(cause.message, { cause })
    }
  }

  async #change (...changes: readonly RegistryChange[]): Promise<void> {
    await this.#store.append(changes)
    for (const change of changes) this.#apply(change)
  }

  #apply (change: RegistryChange): void {
    switch (change.kind) {
      case 'schema': case 'gone': this.#applyVersion(change); return
      case 'config': put(this.#levels, change.subject, change.level); return
      case 'mode': put(this.#modes, change.subject, change.mode); return
      case 'ids': this.#lastId = Math.max(this.#lastId, change.last)
    }
  }

  #applyVersion (change: RegistryChange & { readonly kind: 'schema' | 'gone' }): void {
    const { subject, version } = change
    const versions = this.#subjects.get(subject) ?? []
    const old = versions.find(one => one.version === version)
    const others = versions.filter(one => one !== old)
    if (change.kind === 'schema') {
      const { kind, ...added } = change
      others.push(added)
      this.#lastId = Math.max(this.#lastId, added.id)
      this.#byId.set(added.id, { schema: added.schema, uses: (this.#byId.get(added.id)?.uses ?? 0) + 1 })
      this.#byText.set(added.schema, added.id)
    }
    if (old !== undefined) this.#release(old)
    if (others.length === 0) this.#subjects.delete(subject)
    else this.#subjects.set(subject, others.sort((a, b) => a.version - b.version))
  }

  /** An id that no version has any more is unknown, and is never given again. */
  #release ({ id, schema }: SchemaVersion): void {
    const entry = this.#byId.get(id)!
    entry.uses -= 1
    if (entry.uses > 0) return
    this.#byId.delete(id)
    if (this.#byText.get(schema) === id) this.#byText.delete(schema)
    this.#types.delete(schema)
  }

  #exclusive<T> (work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }
}

/** A catalogue as the port that pipelines use, in the same process. Errors: throws Refusal */
export function cataloguePort (catalogue: SchemaCatalogue): RegistryPort {
  const known = (subject: string) => catalogue.subjects().includes(subject)
  return {
    byId: async id => catalogue.byId(id),
    byGuid: async guid => catalogue.byGuid(guid),
    register: (subject, schema) => catalogue.register({ subject, schema }),
    latest: async subject => known(subject) ? catalogue.version(subject, 'latest') : null,
    version: async (subject, version) => known(subject) ? catalogue.versions(subject).find(one => one.version === version) ?? null : null,
    subjects: async () => catalogue.subjects(),
  }
}

export function versionName (text: string): VersionName {
  if (text === 'latest' || text === '-1') return 'latest'
  const version = /^\d{1,10}$/.test(text) ? Number(text) : 0
  if (version < 1 || version > versionMax) throw refusals.versionInvalid(text)
  return version
}

function removal ({ subject, version, id, schema }: SchemaVersion, permanent: boolean): RegistryChange {
  return permanent ? { kind: 'gone', subject, version } : { kind: 'schema', subject, version, id, schema, deleted: true }
}

function put<V> (map: Map<string | null, V>, subject: string | null, value: V | null): void {
  if (value === null) map.delete(subject)
  else map.set(subject, value)
}

/** Confluent's contexts (`:.name:subject`) would need an id space each: refused rather than mixed up. */
function checkSubject (subject: string): void {
  if (subject === '' || subject.length > subjectLengthMax || subject.startsWith(':.') || /\p{Cc}/u.test(subject) || subject.startsWith('__GLOBAL') || subject.startsWith('__EMPTY')) throw refusals.subjectInvalid(subject)
}

/** White space goes; numbers and escapes stay as they were written, since a default beyond 2^53 would not survive a number. */
function canonical (avro: string): string {
  try {
    JSON.parse(avro)
    return avro.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1')
  } catch (cause) {
    // The bare name of a type is Avro JSON to a registry, though not JSON.
    if (/^[a-z]+$/.test(avro.trim())) return JSON.stringify(avro.trim())
    throw refusals.schemaInvalid('it is not JSON', { cause })
  }
}
