import { type Field, type Fields, type Given, nullableString, struct } from './fields.ts'
import { Reader, Writer } from './wire.ts'

/** A request of Kafka's protocol and its answer, in the versions `min` to `max`. */
export interface Api<Request, Answer> {
  readonly key: number
  readonly name: string
  readonly min: number
  readonly max: number
  readonly flexible: boolean
  readonly request: Pick<Field<Request>, 'write'>
  readonly answer: Readable<Answer>
}
export type RequestOf<T> = T extends Api<infer Request, unknown> ? Request : never
export type AnswerOf<T> = T extends Api<never, infer Answer> ? Answer : never
type Readable<T> = Pick<Field<T>, 'read'>

interface Versions { readonly versions: readonly [min: number, max: number], /** False: the older encoding, in all these versions. */ readonly flexible?: boolean }

/** Declare a request: fields as in Kafka's message definition of that name, in its order. */
export function api<Q extends Fields, A extends Fields> (key: number, name: string, versions: Versions, request: Q, answer: A): Api<Given<Q>, Given<A>>
export function api<Q extends Fields, A> (key: number, name: string, versions: Versions, request: Q, answer: Readable<A>): Api<Given<Q>, A>
export function api (key: number, name: string, { versions: [min, max], flexible = true }: Versions, request: Fields, answer: Fields | Readable<unknown>): Api<never, unknown> {
  const isReadable = typeof answer.read === 'function'
  return { key, name, min, max, flexible, request: struct(request), answer: isReadable ? answer as Readable<unknown> : struct(answer as Fields) }
}

/** The same request in no later version than `max`: later ones mean something else, or need what the cluster has not finalised. */
export const upTo = <Q, A>(max: number, { min, ...rest }: Api<Q, A>): Api<Q, A> => ({ ...rest, min, max })

const versionsKey = 18

export interface Outgoing<Q> { readonly version: number, readonly correlationId: number, readonly clientId: string, readonly request: Q }

/** Pieces of a whole frame. Source: Kafka's RequestHeader v1 and v2, whose client id is in the older encoding always */
export function writeFrame<Q> (asked: Api<Q, unknown>, { version, correlationId, clientId, request }: Outgoing<Q>): readonly Uint8Array[] {
  const header = new Writer({ version, flexible: false })
  header.int16(asked.key)
  header.int16(version)
  header.int32(correlationId)
  nullableString.write(header, clientId)
  if (asked.flexible) header.varint(0)
  const body = new Writer({ version, flexible: asked.flexible })
  asked.request.write(body, request)
  const [head, rest] = [header.finish(), body.finish()]
  const size = Buffer.allocUnsafe(4)
  size.writeInt32BE(head.length + rest.length)
  return [size, ...head.pieces, ...rest.pieces]
}

/**
 * The answer in a frame, whose correlation id was read already.
 *
 * Errors: RangeError for what is not such an answer
 * Source: Kafka's ResponseHeader v0 and v1; answers about versions always have the first, so that any client can read them
 */
export function readAnswer<A> (asked: Api<never, A>, version: number, frame: Uint8Array): A {
  const reader = new Reader(frame, { version, flexible: asked.flexible })
  reader.int32()
  if (asked.flexible && asked.key !== versionsKey) skipTags(reader)
  const answer = asked.answer.read(reader)
  if (reader.left > 0) throw new RangeError(`${reader.left} bytes left over`)
  return answer
}

function skipTags (reader: Reader): void {
  for (let left = reader.varint(); left > 0; left -= 1) {
    reader.varint()
    reader.bytes(reader.varint())
  }
}
