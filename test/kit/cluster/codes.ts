import { protocolErrorsCodesById } from '@platformatic/kafka'

const byName = new Map(Object.entries(protocolErrorsCodesById as Readonly<Record<string, string>>).map(([code, name]) => [name, Number(code)]))

/** Kafka's number for an error of this name; 0 for none. */
export function code (name: string | null): number {
  if (name === null) return 0
  const found = byName.get(name)
  if (found === undefined) throw new RangeError(`Kafka has no error ${name}`)
  return found
}
