import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { QuantileSketch } from '../../../pipelines/core/sketch/quantile-sketch.ts'
import { decodeSketch, encodeSketch } from '../../../pipelines/core/sketch/sketch-bytes.ts'

const text = readFileSync(new URL('../../../docs/lake.md', import.meta.url), 'utf8')
const code = /```python\n(def numbers[\s\S]*?)```/.exec(text)?.[1]

test('sketch bytes: the decoder in docs/lake.md reads what was written, and merges to the same quantiles', t => {
  assert(code !== undefined, 'docs/lake.md has the decoder')
  const python = spawnSync('python3', ['--version'])
  if (python.status !== 0) {
    t.skip('there is no python3')
    return
  }
  const sketchOf = (values: readonly number[]) => {
    const sketch = new QuantileSketch()
    for (const value of values) sketch.add(value)
    return sketch
  }
  const sketches = [[], [0, 0, 0], [1], [-1e-3, 4.5, 4.5, 1e9], Array.from({ length: 500 }, (_, i) => Math.sin(i) * i - 100), Array.from({ length: 300 }, () => -18.5)].map(sketchOf)
  const qs = [0, 0.1, 0.5, 0.9, 0.99, 1]
  const hex = sketches.map(sketch => Buffer.from(encodeSketch(sketch)).toString('hex'))
  const program = `${code}
import json, collections
every = [sketch(bytes.fromhex(one)) for one in ${JSON.stringify(hex)}]
whole = collections.Counter()
for one in every:
    whole += collections.Counter(one)
print(json.dumps([[quantile(one, q) for q in ${JSON.stringify(qs)}] for one in [*every, whole]]))
`
  const { status, stdout, stderr } = spawnSync('python3', ['-c', program], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const merged = new QuantileSketch()
  for (const one of hex) merged.merge(decodeSketch(Buffer.from(one, 'hex')))
  const wanted = [...sketches, merged].map(sketch => qs.map(q => sketch.quantile(q)))
  const got = JSON.parse(stdout) as readonly (readonly (number | null)[])[]
  wanted.forEach((row, index) => { row.forEach((value, place) => {
    const is = got[index]![place]
    if (Number.isNaN(value)) assert.equal(is, null)
    else assert(Math.abs(is! - value) <= 1e-9 * Math.abs(value), `sketch ${index}, quantile ${qs[place]}: ${is}, not ${value}`)
  }) })
})
