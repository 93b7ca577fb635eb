import { nearest } from '../core/nearest.ts'
import type { OperatorFactory, OperatorSpec } from '../core/operator.ts'
import type { SignalSpec } from '../core/spec.ts'
import type { Resolving } from './resolve.ts'
import { wanted } from './wanted.ts'

/** Signals that an operator writes: no source needs to map anything onto them. */
export function writtenSignals ({ operators }: Resolving['definition']): ReadonlySet<string> {
  return new Set(Object.values(operators).flatMap(({ writes }) => writes))
}

export function resolveOperators ({ definition, problems, functions }: Resolving, signals: readonly SignalSpec[]): readonly OperatorSpec[] {
  const names = signals.map(signal => signal.name)
  const writers = new Map<string, string>()
  const exported = functions === null ? [] : Object.keys(functions).filter(name => typeof functions[name] === 'function')
  return Object.entries(definition.operators).map(([name, { reads, writes }]) => {
    const path = ['operators', name]
    if (definition.functions === undefined) problems.add(path, `there is no operator "${name}": the definition names no file of functions`, { at: 'key' })
    else if (functions !== null && !exported.includes(name)) problems.add(path, `the file of functions exports no operator "${name}"`, { at: 'key', nearest: nearest(name, exported) })
    reads.forEach((read, index) => { wanted({ problems, path: [...path, 'reads', index], thing: 'signal', name: read, names }) })
    writes.forEach((write, index) => {
      const here = [...path, 'writes', index]
      const writer = writers.get(write)
      writers.set(write, name)
      if (definition.signals === undefined || !Object.hasOwn(definition.signals, write)) problems.add(here, `declare "${write}" in signals: what an operator writes has its kind there`, { nearest: nearest(write, Object.keys(definition.signals ?? {})) })
      else if (writer !== undefined) problems.add(here, `"${write}" is written by the operator "${writer}" already`)
    })
    return { name, reads, writes, create: functions?.[name] as OperatorFactory }
  })
}
