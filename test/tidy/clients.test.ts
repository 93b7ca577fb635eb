import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { missing as kafkajsMissing } from '../../connectors/kafkajs/config.ts'
import { missing as rdkafkaMissing } from '../../connectors/rdkafka/config.ts'
import { behaviours } from '../clients/behaviours.ts'

test('docs/clients.md has every experiment, and every reason why a client is refused', () => {
  const page = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8')
  for (const text of [...behaviours.map(({ says }) => says), ...Object.values(kafkajsMissing), ...Object.values(rdkafkaMissing)]) assert(page.includes(text), `run \`npm run docs:clients\`: ${text}`)
})
