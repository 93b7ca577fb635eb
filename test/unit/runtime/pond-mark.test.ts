import assert from 'node:assert/strict'
import { test } from 'node:test'
import { markText, readMark } from '../../../pipelines/runtime/pond-mark.ts'

const trouble = { code: 'LAKE_UNREACHABLE', message: 'Cannot get an answer', sinceMs: 5 }

test('pond mark: what was told is read back; what is none is nothing', () => {
  const mark = { wallMs: 7, trouble, copied: { control: [3, 4], late: [0] } }
  assert.deepEqual(readMark(markText(mark)), mark)
  assert.deepEqual(readMark(markText({ ...mark, trouble: null })), { ...mark, trouble: null })
  for (const text of ['', '{', '{}', 'null', '7', '{"topicId":"x","hash":"y","journal":0}']) assert.equal(readMark(text), null, text)
})

test('pond mark: fits into the metadata of a commit, however long the message and however many partitions', () => {
  for (const [partitions, is] of [[300, true], [2_000, false]] as const) {
    const text = markText({ wallMs: 7, trouble: { ...trouble, message: 'é'.repeat(9_000) }, copied: { control: Array.from({ length: partitions }, (_, n) => n) } })
    assert(Buffer.byteLength(text) <= 3_500, `${Buffer.byteLength(text)} bytes`)
    const mark = readMark(text)!
    assert.deepEqual([mark.trouble!.code, mark.trouble!.message, mark.copied.control?.length === partitions], [trouble.code, 'é'.repeat(600), is])
  }
})
