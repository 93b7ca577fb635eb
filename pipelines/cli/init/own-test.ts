import type { HighRule, ProjectOptions } from './project.ts'

/** Cuts of the restarts that the test of a new project plays. */
const restarts = 20

/** A test that says what the pipeline makes of its recording, and would fail if it made something else of it. */
export function projectTest ({ csvFile, guess, rows, ragged }: ProjectOptions, rule: HighRule | null): string {
  const broken = ragged + guess.timeless
  const why = [...(ragged === 0 ? [] : [`${ragged} with another number of columns than the header`]), ...(guess.timeless === 0 ? [] : [`${guess.timeless} without a time`])].join(', ')
  return `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { replay } from 'millrace/testing'

const recording = { definition: 'pipeline.yaml', input: '${csvFile}' }
const played = await replay(recording)
const lines = kind => played.filter(line => line.kind === kind)

test('every row of the recording is read${broken === 0 ? '' : `, but for ${broken}: ${why}`}', () => {
  assert.equal(played.readings, ${rows + ragged})
  assert.equal(lines('dead-letter').length, ${broken}, JSON.stringify(lines('dead-letter')[0]))
})

test('windows count every reading once', () => {
  const counted = lines('window').filter(line => line.final).reduce((sum, line) => sum + line.values.n, 0)
  assert.equal(counted + lines('late').length + lines('dead-letter').length, played.readings)
})

test('a restart in the middle changes nothing', async () => {
  assert.deepEqual(await replay({ ...recording, restartEvery: ${Math.max(1, Math.ceil((rows + ragged) / restarts))} }), played)
})
${rule === null ? '' : ruleTest(rule)}`
}

function ruleTest ({ field, above, below }: HighRule): string {
  return `
test('the rule "high" raises above ${above} and clears ${below === null ? `at or below ${above}` : `below ${below}`}, in turn for each device', () => {
  const events = lines('event').filter(line => line.rule === 'high')
  assert.ok(events.some(line => line.state === 'raised'), 'the recording raises no alert')
  for (const line of events) {
    if (line.state === 'raised') assert.ok(line.values.${field} > ${above})
    else assert.ok(line.values.${field} ${below === null ? `<= ${above}` : `< ${below}`})
  }
  for (const [key, states] of Object.entries(Object.groupBy(events, line => line.key))) {
    assert.ok(states.every(({ state }, i) => state === (i % 2 === 0 ? 'raised' : 'cleared')), key)
  }
})
`
}
