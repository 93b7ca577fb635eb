import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { crc32c } from '../../../connectors/embedded/crc.ts'
import { crc32c as plain } from '../../../pipelines/core/crc32c.ts'

test('embedded log: the native checksum and the plain one agree, and know the check value of CRC-32C', () => {
  assert.equal(plain(Buffer.from('123456789')), 0xe3069283)
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => crc32c(bytes) === plain(bytes)))
})
