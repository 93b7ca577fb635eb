const marked = /^([A-Za-z0-9._-]+)\|/

/** The metadata of a committed offset names the worker, so that whoever takes its partition over can settle what it left open. */
export const packMetadata = (member: string, metadata: string): string => `${member}|${metadata}`

export const workerOf = (metadata: string): string | null => marked.exec(metadata)?.[1] ?? null

/** What was given to `packMetadata`; offsets that another tool committed have no mark. */
export const unpackMetadata = (metadata: string): string => metadata.replace(marked, '')
