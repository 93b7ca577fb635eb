import type { RuleSpec } from '../core/spec.ts'
import type { RuleFacts } from './alert-book.ts'
import type { RuleStageOptions } from './options.ts'

export function factsOf (spec: RuleSpec, { pipeline, source, topic, partition, mode }: RuleStageOptions): RuleFacts {
  return {
    pipeline, source, topic, partition, mode,
    rule: spec.name,
    ruleVersion: spec.version,
    severity: spec.severity,
    ttlMs: spec.ttlMs,
    clock: spec.absentMs === null ? 'event' : 'arrival',
  }
}
