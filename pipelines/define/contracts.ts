import { readFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { contract, type Contract } from '../../schemas/contract.ts'
import type { Path, Problems } from './problem.ts'

/** Answers for `subject@version` (or `subject@latest`), as a registry would; null when it does not know it. */
export type ContractResolver = (subject: string, version: number | 'latest') => Promise<{ readonly version: number, readonly schema: string } | null>

export interface ContractsOptions { readonly folder: string, readonly resolver: ContractResolver | null, readonly problems: Problems }

/**
 * Replace each contract written as text: the path of an .avsc file from the definition's folder, or `subject@version`.
 * The subject of a file is that of its topic, `<topic>-value`.
 */
export async function resolveContracts (raw: unknown, options: ContractsOptions): Promise<unknown> {
  if (!isMapping(raw)) return raw
  const { source, sources, tables, name } = raw
  const many = async (group: string, members: unknown): Promise<unknown> => isMapping(members)
    ? Object.fromEntries(await Promise.all(Object.entries(members).map(async ([member, value]) => [member, await one(value, { path: [group, member], topic: member, options })])))
    : members
  return {
    ...raw,
    ...(source === undefined ? {} : { source: await one(source, { path: ['source'], topic: String(name), options }) }),
    ...(sources === undefined ? {} : { sources: await many('sources', sources) }),
    ...(tables === undefined ? {} : { tables: await many('tables', tables) }),
  }
}

interface Owner { readonly path: Path, readonly topic: string, readonly options: ContractsOptions }

async function one (owner: unknown, { path, topic, options }: Owner): Promise<unknown> {
  if (!isMapping(owner) || typeof owner.contract !== 'string') return owner
  const place = [...path, 'contract']
  const subject = `${typeof owner.topic === 'string' ? owner.topic : topic}-value`
  const found = await contractOf(owner.contract, { place, subject, options })
  return found === null ? owner : { ...owner, contract: found }
}

async function contractOf (text: string, { place, subject, options }: { readonly place: Path, readonly subject: string, readonly options: ContractsOptions }): Promise<Contract<object> | null> {
  const { folder, resolver, problems } = options
  const [, named, version] = /^([^@\s]+)@(\d{1,9}|latest)$/.exec(text) ?? []
  if (named === undefined || version === undefined) {
    try {
      return contract({ subject, version: 1, schema: await readFile(isAbsolute(text) ? text : join(folder, text), 'utf8') })
    } catch (error) {
      problems.add(place, `cannot read the contract ${JSON.stringify(text)}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message}`)
      return null
    }
  }
  if (resolver === null) {
    problems.add(place, `no registry is at hand to ask for ${text}: name an .avsc file`)
    return null
  }
  const answer = await resolver(named, version === 'latest' ? version : Number(version))
  if (answer === null) problems.add(place, `the registry does not know ${text}`)
  return answer === null ? null : contract({ subject: named, ...answer })
}

function isMapping (value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
