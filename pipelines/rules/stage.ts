import { StreamError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import type { RuleSpec } from '../core/spec.ts'
import type { RuleStage } from '../core/stage.ts'
import type { ExpressionField } from '../expression/compile.ts'
import { AbsentRule } from './absent-rule.ts'
import { ArrivalOrder } from './arrival-order.ts'
import { ConditionRule } from './condition-rule.ts'
import { EventOrder } from './event-order.ts'
import { createInput, type RuleInput } from './input.ts'
import { type RuleStageOptions, reorderRowsMaxDefault } from './options.ts'

const atLeastMax = 1000

/**
 * The rule stages of one task, in the order in which the runtime must call them.
 *
 * Shape:  first the stages that order rows for the others (named `rules.*`, only those needed, they emit no events), then one
 *         stage per rule, numbered `firstNumber`, `firstNumber + 1`, ... in order of definition
 * Errors: RULE_NAME, RULE_SUMMARY, RULE_OPTION, and those of compileExpression
 */
export function createRuleStages (specs: readonly RuleSpec[], shared: RuleStageOptions): RuleStage[] {
  const { keys, signals, firstNumber: number, reorderRowsMax: rowsMax = reorderRowsMaxDefault } = shared
  const inputs = new Map<string, RuleInput>()
  const rules = specs.map((spec, i) => createRule(spec, shared, number + i, inputs))
  const orders = [...inputs.values()].map(input => {
    const { window, order, early } = input
    if (order === 'arrival') return new ArrivalOrder({ keys, number, window, early, input })
    const wanted = new Set(rules.flatMap(rule => rule instanceof ConditionRule && rule.input === input ? rule.reads : []))
    return new EventOrder({ keys, number, fields: signals, wanted, rowsMax, input })
  })
  return [...orders, ...rules]
}

function createRule (spec: RuleSpec, shared: RuleStageOptions, number: number, inputs: Map<string, RuleInput>): RuleStage {
  const { name, when, absentMs, atLeast } = spec
  if (atLeast !== null && !(atLeast.count >= 1 && atLeast.count <= atLeast.of && atLeast.of <= atLeastMax)) throw new StreamError('RULE_OPTION', { rule: name, atLeast: [atLeast.count, atLeast.of] })
  const fields = fieldsOf(spec, shared)
  if (absentMs !== null) {
    if (spec.window !== null || when !== null || !(absentMs > 0)) throw new StreamError('RULE_OPTION', { rule: name, absentMs, window: spec.window, when })
    return new AbsentRule({ spec: { ...spec, absentMs }, shared, fields, number })
  }
  if (when === null) throw new StreamError('RULE_OPTION', { rule: name, when })
  const { window } = spec
  const exact = { ...spec, when, early: spec.early && window !== null, order: window === null ? spec.order : 'arrival' } as const
  return new ConditionRule({ spec: exact, shared, fields, number, input: inputFor(exact, inputs) })
}

/** Rules that want the same rows in the same order share one input. */
function inputFor ({ window, early, order }: RuleSpec, inputs: Map<string, RuleInput>): RuleInput {
  const name = JSON.stringify([window, early, order])
  const found = inputs.get(name) ?? createInput({ window, early, order })
  inputs.set(name, found)
  return found
}

function fieldsOf ({ name, window }: RuleSpec, { signals, windows }: RuleStageOptions): readonly ExpressionField[] {
  if (window === null) return signals
  const fields = windows.get(window)
  if (fields === undefined) throw new StreamError('RULE_NAME', { rule: name, window, nearest: nearest(window, windows.keys()), known: [...windows.keys()] })
  return fields
}
