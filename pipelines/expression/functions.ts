import type { FunctionEntry } from './function-entry.ts'
import { numberFunctions } from './number-functions.ts'
import { readingFunctions } from './reading-functions.ts'
import { textFunctions } from './text-functions.ts'

/** Every function that expressions have, by name. */
export const functionTable: ReadonlyMap<string, FunctionEntry> = new Map([...readingFunctions, ...numberFunctions, ...textFunctions].map(entry => [entry.name, entry]))

/** For documentation and completion: name, signature and what each says. */
export const expressionFunctions: readonly { readonly name: string, readonly signature: string, readonly says: string }[] =
  [...functionTable.values()].map(({ name, signature, says }) => ({ name, signature, says }))
