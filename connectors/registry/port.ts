import { StreamError } from '../../pipelines/core/errors.ts'
import type { RegistryPort } from '../../pipelines/core/ports.ts'
import type { SchemaCatalogue } from './catalogue.ts'
import { Refusal } from './refusal.ts'

/** A catalogue as the port that pipelines use, in the same process. Errors: as those of the client over HTTP */
export function cataloguePort (catalogue: SchemaCatalogue): RegistryPort {
  const known = (subject: string) => catalogue.subjects().includes(subject)
  const shown = ({ id, version, schema, references }: ReturnType<SchemaCatalogue['version']>) => ({ id, version, schema: catalogue.bundled(schema, references) })
  return {
    byId: async id => { const found = catalogue.byId(id); return found === null ? null : catalogue.bundled(found.schema, found.references) },
    byGuid: async guid => { const found = catalogue.byGuid(guid); return found === null ? null : catalogue.bundled(found.schema, found.references) },
    register: (subject, schema) => told(() => catalogue.register({ subject, schema })),
    latest: async subject => known(subject) ? shown(catalogue.version(subject, 'latest')) : null,
    version: async (subject, version) => {
      const found = known(subject) ? catalogue.versions(subject).find(one => one.version === version) : undefined
      return found === undefined ? null : shown(found)
    },
    conflicts: (subject, schema) => told(async () => catalogue.conflicts({ subject, schema }, 'all').map(({ says, direction }) => `${says} (${direction})`)),
    subjects: async () => catalogue.subjects(),
  }
}

async function told<T> (work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause
    const code = cause.code === 409 ? 'REGISTRY_INCOMPATIBLE' : cause.code === 42201 ? 'REGISTRY_SCHEMA' : 'REGISTRY_REFUSED'
    throw new StreamError(code, { status: cause.status, answer: cause.message }, { cause })
  }
}
