import { interpretRows, type LoopOptions, type RowLoop } from './interpret.ts'

export function generateRows (options: LoopOptions): RowLoop {
  return interpretRows(options)
}
