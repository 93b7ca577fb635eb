import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/** A certificate and its private key, both PEM; what it signs with stays in memory. */
export interface Certificate { readonly name: string, readonly cert: string, readonly key: string, readonly privateKey: KeyObject }

const validMs = 30 * 86_400_000
const skewMs = 3_600_000

/**
 * A certificate for tests: by itself (`signer` null) a CA, else one for a server and client at `localhost`, whose identity is `spiffe://millrace/<name>`.
 *
 * Units:  valid for 30 days
 * Source: RFC 5280; ECDSA on P-256 with SHA-256
 */
export function makeCertificate (name: string, signer: Certificate | null): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'))
  const tbs = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    algorithm,
    commonName(signer?.name ?? name),
    sequence(utcTime(Date.now() - skewMs), utcTime(Date.now() + validMs)),
    commonName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...signer === null ? authorityExtensions() : leafExtensions(name))),
  )
  const der = sequence(tbs, algorithm, bits(sign('sha256', tbs, signer?.privateKey ?? privateKey), 0))
  const lines = der.toString('base64').replace(/.{1,64}/g, '$&\n')
  return { name, cert: `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, privateKey }
}

const authorityExtensions = () => [extension('2.5.29.19', sequence(boolean(true))), extension('2.5.29.15', bits(Buffer.from([0b0000_0110]), 1))]
const leafExtensions = (name: string) => [
  extension('2.5.29.15', bits(Buffer.from([0b1000_0000]), 7)),
  extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'))),
  extension('2.5.29.17', sequence(tagged(0x82, Buffer.from('localhost')), tagged(0x86, Buffer.from(`spiffe://millrace/${name}`)), tagged(0x87, Buffer.from([127, 0, 0, 1])), tagged(0x87, Buffer.from([...Array<number>(15).fill(0), 1])))),
]
const extension = (id: string, value: Buffer) => sequence(oid(id), boolean(true), tagged(0x04, value))

function tagged (tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: readonly Uint8Array[]) => tagged(0x30, ...parts)
const boolean = (value: boolean) => tagged(0x01, Buffer.from([value ? 0xff : 0]))
const bits = (bytes: Uint8Array, unused: number) => tagged(0x03, Buffer.from([unused]), bytes)
/** Positive: the highest bit stays clear, and the first byte is not zero. */
const integer = (bytes: Buffer) => tagged(0x02, bytes.length > 1 ? Buffer.concat([Buffer.from([(bytes[0]! & 0x3f) | 0x40]), bytes.subarray(1)]) : bytes)
const utcTime = (ms: number) => tagged(0x17, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]|\..*/g, '').slice(2)}Z`))
const commonName = (name: string) => sequence(tagged(0x31, sequence(oid('2.5.4.3'), tagged(0x0c, Buffer.from(name)))))

function oid (text: string): Buffer {
  const [first, second, ...rest] = text.split('.').map(Number) as [number, number, ...number[]]
  const bytes = [first * 40 + second]
  for (const part of rest) {
    const groups = [part & 0x7f]
    for (let left = part >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return tagged(0x06, Buffer.from(bytes))
}
