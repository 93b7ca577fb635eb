import { createRequire } from 'node:module'
import type * as Kafkajs from 'kafkajs'
import { decompress } from '../../pipelines/core/decompress.ts'
import { StreamError } from '../../pipelines/core/errors.ts'

export type { Kafkajs }
/** The one whose inner parts `inner.ts` uses; it is the last there is, of 2023. */
export const testedVersion = '2.2.4'
const requireFrom = createRequire(import.meta.url)

/**
 * The package kafkajs, an optional peer of this one, with readers for the compressions that it lacks.
 *
 * Limits: a batch decompresses to at most `decompressedBytesMax`
 * Errors: KAFKA_CLIENT when it is absent, or another version
 */
export async function loadKafkajs (decompressedBytesMax: number): Promise<typeof Kafkajs> {
  let version: string
  try {
    version = (requireFrom('kafkajs/package.json') as { readonly version: string }).version
  } catch (cause) {
    throw new StreamError('KAFKA_CLIENT', { client: 'kafkajs', why: 'the package is not installed', do: `npm install --save-exact kafkajs@${testedVersion}` }, { cause })
  }
  if (version !== testedVersion) throw new StreamError('KAFKA_CLIENT', { client: 'kafkajs', version, why: `only ${testedVersion} is known to work`, do: `npm install --save-exact kafkajs@${testedVersion}` })
  // CommonJS: not all of its names are seen as exports.
  const { default: kafkajs } = await import('kafkajs') as unknown as { readonly default: typeof Kafkajs }
  const codecs = kafkajs.CompressionCodecs as unknown as Record<number, () => Codec>
  for (const type of [kafkajs.CompressionTypes.GZIP, kafkajs.CompressionTypes.Snappy, kafkajs.CompressionTypes.LZ4, kafkajs.CompressionTypes.ZSTD]) {
    if (!ours.has(codecs[type]!)) codecs[type] = reader(codecs[type]!, type, decompressedBytesMax)
  }
  return kafkajs
}

interface Codec { compress (encoder: unknown): Promise<Buffer>, decompress (bytes: Buffer): Promise<Buffer> }
const ours = new WeakSet<() => Codec>()

/** kafkajs has one table of codecs in a process: what others have put there goes on writing. */
function reader (given: () => Codec, type: number, bytesMax: number): () => Codec {
  const codec = () => ({
    compress: (encoder: unknown) => given().compress(encoder),
    decompress: async (bytes: Buffer) => Buffer.from(decompress(type, bytes, bytesMax)),
  })
  ours.add(codec)
  return codec
}
