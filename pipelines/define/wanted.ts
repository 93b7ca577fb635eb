import { nearest } from '../core/nearest.ts'
import type { Path, Problems } from './problem.ts'

interface Wanted { readonly problems: Problems, readonly path: Path, readonly thing: string, readonly name: string, readonly names: readonly string[], readonly at?: 'key' | 'value' }

const listedMax = 20

/** Hold a name against those there are; a problem with the nearest one where it is none of them. */
export function wanted ({ problems, path, thing, name, names, at = 'value' }: Wanted): boolean {
  if (names.includes(name)) return true
  problems.add(path, `there is no ${thing} "${name}"${names.length === 0 || names.length > listedMax ? '' : `, only ${names.join(', ')}`}`, { nearest: nearest(name, names), at })
  return false
}
