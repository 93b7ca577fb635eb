import type { CompiledPipeline } from '../core/stage.ts'
import { compileDefinition } from '../define/compile.ts'
import { loadDefinition } from '../define/load.ts'
import type { CheckedDefinition } from '../define/schema.ts'
import type { TargetOptions } from './options.ts'
import type { Target } from './system.ts'
import { exportVariables, targetOf } from './target.ts'

/** A definition as a target has it: with the variables, the contracts and the keyspace of that. Errors: DEFINITION_INVALID */
export async function definitionAt (target: Pick<Target, 'contracts' | 'variables' | 'keyspace'>, path: string): Promise<CheckedDefinition> {
  const loaded = await loadDefinition(path, { contracts: target.contracts, variables: target.variables })
  return target.keyspace === null || loaded.lake === undefined ? loaded : { ...loaded, lake: { ...loaded.lake, keyspace: target.keyspace } }
}

/** For verbs that need no more than the pipeline, and where it is. Errors: DEFINITION_INVALID, and those of `targetOf` */
export async function pipelineOf (path: string, options: TargetOptions): Promise<{ readonly target: Target, readonly pipeline: CompiledPipeline }> {
  const target = await targetOf(options, { definition: path })
  exportVariables(target.variables)
  return { target, pipeline: compileDefinition(await definitionAt(target, path)) }
}
