import { readFileSync } from 'node:fs'
import avro from 'avsc'

/** One Avro contract of ours on the wire. `schema` is the text to register under the topic's subject. */
export interface Codec<T> {
  readonly name: string
  readonly version: number
  readonly schema: string
  /** Confluent wire format: magic byte 0, schema id, datum. Times are cut to whole milliseconds. */
  encode (value: T, schemaId: number): Uint8Array
  /** The datum of a wire-format value written with this version's schema. */
  decode (bytes: Uint8Array): T
}

interface CodecOptions<T, Wire> {
  /** File name without extension, beside this one: `control-event.v1`. */
  readonly file: string
  readonly toWire: (value: T) => Wire
  readonly fromWire: (wire: Wire) => T
}

const headerBytes = 5

/**
 * Read an .avsc file and compile it.
 *
 * Errors: a value that does not match the schema is our bug and throws avsc's error, which names the path
 */
export function createCodec<T, Wire> ({ file, toWire, fromWire }: CodecOptions<T, Wire>): Codec<T> {
  const schema = readFileSync(new URL(`./${file}.avsc`, import.meta.url), 'utf8')
  const type = avro.Type.forSchema(JSON.parse(schema))
  const [, version] = /\.v(\d+)$/.exec(file) ?? []
  return {
    name: type.name ?? file,
    version: Number(version),
    schema: JSON.stringify(JSON.parse(schema)),
    encode (value, schemaId) {
      const datum = type.toBuffer(toWire(value))
      const bytes = new Uint8Array(headerBytes + datum.length)
      new DataView(bytes.buffer).setUint32(1, schemaId)
      bytes.set(datum, headerBytes)
      return bytes
    },
    decode (bytes) {
      if (bytes.length < headerBytes || bytes[0] !== 0) throw new TypeError(`not in Confluent wire format: ${file}`)
      return fromWire(type.fromBuffer(bufferOf(bytes.subarray(headerBytes))) as Wire)
    },
  }
}

/** The same memory as a Buffer, which avsc wants for `bytes`. */
export function bufferOf (bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
/** A copy that keeps no larger buffer alive. */
export function bytesOf (buffer: Uint8Array): Uint8Array { return new Uint8Array(buffer) }

/** Names of every datum's place in the input. */
export interface SourcePosition { readonly topic: string, readonly partition: number, readonly offset: number }
