import { existsSync, readFileSync } from 'node:fs'

/** Where the judges' cases are: answers that other engines gave. They are not part of this repository. */
const folder = process.env.MILLRACE_JUDGES ?? new URL('../../../shared/judges', import.meta.url).pathname

/** Cases of a judge, or why there are none. */
export function judgeCases<Case> (file: string): { readonly cases: readonly Case[], readonly skip: string | false } {
  const path = `${folder}/${file}`
  if (!existsSync(path)) return { cases: [], skip: `no cases at ${path}: name the judges' folder in MILLRACE_JUDGES` }
  return { cases: readFileSync(path, 'utf8').trim().split('\n').map(line => JSON.parse(line) as Case), skip: false }
}
