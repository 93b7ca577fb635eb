import { codeName } from '../../../connectors/kafka/codes.ts'

const byName = new Map(Array.from({ length: 200 }, (_, number) => [codeName(number), number]))

/** Kafka's number for an error of this name; 0 for none. */
export function code (name: string | null): number {
  if (name === null) return 0
  const found = byName.get(name)
  if (found === undefined) throw new RangeError(`Kafka has no error ${name}`)
  return found
}
