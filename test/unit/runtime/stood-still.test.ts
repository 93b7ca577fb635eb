import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LegPlan } from '../../../pipelines/runtime/lead.ts'
import { Share } from '../../../pipelines/runtime/share.ts'
import { compileDefinition } from '../../../pipelines/define/public.ts'
import { retireRule } from '../../../pipelines/rules/retire.ts'
import { definitionOf, Rig } from './rig.ts'

test('what another worker has committed while this one stood still in its restore is no incident', async () => {
  const rig = await Rig.make()
  await rig.send('rig.north', 'a', 1, 2, 3)
  const running = rig.start(definitionOf())
  await running.pass(2_000)
  await running.drain()
  const committed = (await rig.log.committed('millrace.rig.race', 'rig.north', 0))!
  const early = { ...committed, offset: committed.offset - 1 }
  const definition = definitionOf()
  const plan: LegPlan = { leg: 'race', pipeline: compileDefinition(definition), definition: JSON.stringify(definition), compile: data => compileDefinition(JSON.parse(data)), retire: retireRule, reset: () => false, log: rig.log, clock: rig.clock, schema: async () => null, tables: new Map(), mode: 'live' }
  for (const [answers, code] of [[[early, committed], 'LOG_REBALANCED'], [[early, early], 'STATE_POSITION']] as const) {
    const left = [...answers]
    const share = await Share.open(plan, { membership: { assignments: [{ topic: 'rig.north', partition: 0 }], revoked: [] }, committed: async () => left.shift()! })
    share.look()
    await assert.rejects(share.takeAll(), { code })
  }
})
