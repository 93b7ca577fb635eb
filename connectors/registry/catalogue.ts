import { AvroProblem, type AvroType, parseAvro } from '../../schemas/avro-schema.ts'
import { type CompatibilityLevel, type Conflict, conflicts } from '../../schemas/compatibility.ts'
import { schemaGuid, type SchemaReference } from '../../schemas/guid.ts'
import { bundledSchema } from '../../schemas/normal.ts'
import { canonical, checkSubject, type VersionName } from './names.ts'
import { Refusal, refusals } from './refusal.ts'
import type { Mode, RegistryChange, RegistryStore, SchemaVersion } from './store.ts'

export interface Candidate { readonly subject: string, readonly schema: string, readonly references?: readonly SchemaReference[], /** In one way of writing: schemas that differ only in it are the same. */ readonly normalize?: boolean }
export interface Registration extends Candidate { /** Only in mode IMPORT. */ readonly id?: number | undefined, readonly version?: number | undefined }
export interface KnownSchema { readonly schema: string, readonly references: readonly SchemaReference[], readonly guid: string }
interface Counted extends KnownSchema { uses: number }

/** Of all that a schema refers to, directly or not. */
const referencesMax = 256

/**
 * All that a Confluent registry does, without HTTP: ids from 1, the same schema (its JSON without white space, and what it refers to) the same
 * id under every subject, versions of a subject from 1, soft and permanent deletion, levels and modes, global and of a subject.
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
  readonly #byId = new Map<number, Counted>()
  readonly #byGuid = new Map<string, number>()
  /** By `keyOf`. */
  readonly #byText = new Map<string, number>()
  #lastId = 0
  #turn: Promise<unknown> = Promise.resolve()

  static async open (store: RegistryStore): Promise<SchemaCatalogue> {
    const catalogue = new SchemaCatalogue(store)
    for (const change of await store.load()) catalogue.#apply(change)
    return catalogue
  }

  private constructor (store: RegistryStore) { this.#store = store }

  register ({ subject, schema, references = [], normalize = false, id: wantedId, version: wantedVersion }: Registration): Promise<number> {
    return this.#exclusive(async () => {
      checkSubject(subject)
      const text = canonical(schema, { normalize })
      const type = this.#type(text, references)
      const key = keyOf(text, references)
      const mode = this.mode(subject)
      const importing = mode === 'IMPORT'
      if (mode === 'READONLY') throw refusals.forbidden(`Subject ${subject} is in read-only mode`)
      if (!importing && wantedId !== undefined) throw refusals.forbidden(`Subject ${subject} is not in import mode`)
      const live = this.#live(subject)
      const same = live.find(one => keyOf(one.schema, one.references) === key && (wantedId === undefined || one.id === wantedId))
      if (same !== undefined) return same.id
      if (!importing) this.#mustFit(subject, type, live)
      const before = wantedId === undefined ? null : this.byId(wantedId)
      if (before !== null && keyOf(before.schema, before.references) !== key) throw refusals.forbidden(`Overwrite new schema with id ${wantedId} is not permitted.`)
      const id = wantedId ?? this.#byText.get(key) ?? this.#lastId + 1
      if (importing && this.#subjects.get(subject)?.some(one => one.version === wantedVersion)) throw refusals.forbidden(`Overwrite version ${wantedVersion} of subject ${subject} is not permitted.`)
      const version = (importing ? wantedVersion : undefined) ?? (this.#subjects.get(subject)?.at(-1)?.version ?? 0) + 1
      await this.#change({ kind: 'schema', subject, version, id, schema: text, references, deleted: false })
      return id
    })
  }

  /** The version of a subject that has this schema. */
  lookUp ({ subject, schema, references = [], normalize = false }: Candidate, { deleted = false } = {}): SchemaVersion {
    const versions = this.#versionsOf(subject, deleted)
    const text = canonical(schema, { normalize })
    this.#type(text, references)
    const key = keyOf(text, references)
    const found = versions.findLast(one => keyOf(one.schema, one.references) === key)
    if (found === undefined) throw refusals.schemaUnknown()
    return found
  }

  /** Also of versions softly deleted; null when there is none. */
  byId (id: number): KnownSchema | null { return this.#byId.get(id) ?? null }

  byGuid (guid: string): KnownSchema & { readonly id: number } | null {
    const id = this.#byGuid.get(guid.toLowerCase())
    return id === undefined ? null : { ...this.#byId.get(id)!, id }
  }

  /** A schema with what it refers to written out. Errors: 42201 for a reference that leads nowhere */
  bundled (schema: string, references: readonly SchemaReference[]): string {
    const texts = new Map<string, string>()
    const follow = (some: readonly SchemaReference[]) => {
      for (const { subject, version } of some) {
        const key = JSON.stringify([subject, version])
        if (texts.has(key)) continue
        const found = this.#subjects.get(subject)?.find(one => one.version === version)
        if (found === undefined) throw refusals.schemaInvalid(`there is no version ${version} of subject ${subject} to refer to`)
        if (texts.size === referencesMax) throw refusals.schemaInvalid(`it refers to more than ${referencesMax} schemas`)
        texts.set(key, found.schema)
        follow(found.references)
      }
    }
    follow(references)
    return bundledSchema(schema, [...texts.values()])
  }

  /** Ids of the schemas that refer to a version, those of versions softly deleted left out. */
  referencedBy (subject: string, version: number): readonly number[] {
    const ids = this.all().filter(({ references }) => references.some(one => one.subject === subject && one.version === version)).map(({ id }) => id)
    return [...new Set(ids)].sort((a, b) => a - b)
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
      for (const { version } of gone) this.#mustBeFree(subject, version)
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
      this.#mustBeFree(subject, found.version)
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
  conflicts ({ subject, schema, references = [], normalize = false }: Candidate, name: VersionName | 'all'): readonly Conflict[] {
    const type = this.#type(canonical(schema, { normalize }), references)
    const earlier = name === 'all' ? this.#live(subject) : [this.version(subject, name)]
    return conflicts(this.level(subject), type, earlier.map(one => this.#type(one.schema, one.references)))
  }

  #mustFit (subject: string, type: AvroType, live: readonly SchemaVersion[]): void {
    const level = this.level(subject)
    const found = conflicts(level, type, live.map(one => this.#type(one.schema, one.references)))
    if (found.length === 0) return
    const details = found.map(({ kind, says, against, direction }) => `{errorType:'${kind}', description:'${says}', version:${live[against]!.version}, direction:'${direction}'}`)
    throw new Refusal(409, `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: [${details.join(', ')}, {compatibility: '${level}'}]`)
  }

  #mustBeWritable (subject: string): void {
    if (this.mode(subject) === 'READONLY') throw refusals.forbidden(`Subject ${subject} is in read-only mode`)
  }

  #mustBeFree (subject: string, version: number): void {
    if (this.referencedBy(subject, version).length > 0) throw refusals.referenced(subject, version)
  }

  #live (subject: string): readonly SchemaVersion[] { return (this.#subjects.get(subject) ?? []).filter(one => !one.deleted) }

  #versionsOf (subject: string, deleted: boolean): readonly SchemaVersion[] {
    const versions = deleted ? this.#subjects.get(subject) ?? [] : this.#live(subject)
    if (versions.length === 0) throw refusals.subjectUnknown(subject)
    return versions
  }

  #type (text: string, references: readonly SchemaReference[]): AvroType {
    const key = keyOf(text, references)
    const known = this.#types.get(key)
    if (known !== undefined) return known
    try {
      const type = parseAvro(this.bundled(text, references))
      // Only what is kept stays parsed.
      if (this.#byText.has(key)) this.#types.set(key, type)
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
      const { id, schema, references } = added
      const guid = schemaGuid(schema, references)
      this.#byId.set(id, { schema, references, guid, uses: (this.#byId.get(id)?.uses ?? 0) + 1 })
      this.#byText.set(keyOf(schema, references), id)
      this.#byGuid.set(guid, id)
    }
    if (old !== undefined) this.#release(old)
    if (others.length === 0) this.#subjects.delete(subject)
    else this.#subjects.set(subject, others.sort((a, b) => a.version - b.version))
  }

  /** An id that no version has any more is unknown, and is never given again. */
  #release ({ id, schema, references }: SchemaVersion): void {
    const entry = this.#byId.get(id)!
    entry.uses -= 1
    if (entry.uses > 0) return
    this.#byId.delete(id)
    const key = keyOf(schema, references)
    if (this.#byGuid.get(entry.guid) === id) this.#byGuid.delete(entry.guid)
    if (this.#byText.get(key) === id) this.#byText.delete(key)
    this.#types.delete(key)
  }

  #exclusive<T> (work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }
}

function removal (version: SchemaVersion, permanent: boolean): RegistryChange {
  return permanent ? { kind: 'gone', subject: version.subject, version: version.version } : { kind: 'schema', ...version, deleted: true }
}

/** What makes a schema the same as another: its text, and what it refers to. */
function keyOf (schema: string, references: readonly SchemaReference[]): string {
  return references.length === 0 ? schema : `${schema}\n${JSON.stringify(references.map(({ name, subject, version }) => [name, subject, version]))}`
}

function put<V> (map: Map<string | null, V>, subject: string | null, value: V | null): void {
  if (value === null) map.delete(subject)
  else map.set(subject, value)
}
