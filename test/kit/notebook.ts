import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { blocksOf } from './page-commands.ts'
import { type PythonPackage, pythonWith, ran } from './python.ts'

/** Cells of docs/lake-notebook.md by the packages that they say they need. */
export const cells: readonly { readonly needs: readonly PythonPackage[], readonly code: string }[] = blocksOf('lake-notebook.md', 'python').map(code => {
  const needs = /^# needs: (.*)$/m.exec(code)![1]!
  return { needs: needs === 'nothing' ? [] : needs.split(' ') as PythonPackage[], code }
})

/** What a cell prints; or why it cannot run here. */
export async function runCell (cell: typeof cells[number], { folder, env }: { readonly folder: string, readonly env: Readonly<Record<string, string>> }): Promise<{ readonly said: string } | { readonly missing: string }> {
  const found = await pythonWith(cell.needs)
  if ('missing' in found) return found
  const file = join(folder, 'cell.py')
  writeFileSync(file, cell.code)
  const { status, said } = await ran(found.python, [file], { cwd: folder, env: { ...env, PYTHONIOENCODING: 'utf-8' } })
  if (status !== 0) throw new Error(`the cell failed:\n${said}`)
  return { said }
}
