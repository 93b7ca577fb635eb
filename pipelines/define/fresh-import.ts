import { statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { dirname, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** A file and what it imports from its own folder or below: all are imported under one stamp, and anew once one of them has changed. */
interface Tree { readonly folder: string, readonly files: Map<string, number>, stamp: number }

const mark = 'millrace'
const trees = new Map<string, Tree>()
const byStamp = new Map<string, Tree>()
let stamps = 0
let hooked = false

/**
 * Import a module as it is now, with the modules beside it that it imports: a module system keeps what it has imported once.
 *
 * State:  what was imported stays in memory, once per change
 * Errors: what the import throws
 */
export async function importFresh (path: string): Promise<Readonly<Record<string, unknown>>> {
  const file = resolve(path)
  const tree = trees.get(file) ?? { folder: dirname(file) + sep, files: new Map(), stamp: 0 }
  trees.set(file, tree)
  if (!tree.files.has(file)) tree.files.set(file, -1)
  if (await hasChanged(tree)) {
    tree.stamp = stamps += 1
    byStamp.set(String(tree.stamp), tree)
  }
  hook()
  return await import(stamped(pathToFileURL(file).href, String(tree.stamp)))
}

async function hasChanged ({ files }: Tree): Promise<boolean> {
  let changed = false
  for (const [file, before] of files) {
    const now = await stat(file).then(({ mtimeMs }) => mtimeMs, () => Number.NaN)
    if (Object.is(now, before)) continue
    files.set(file, now)
    changed = true
  }
  return changed
}

/** Imports of a stamped module carry its stamp on, within the folder of the tree. */
function hook (): void {
  if (hooked) return
  hooked = true
  registerHooks({
    resolve (specifier, context, next) {
      const found = next(specifier, context)
      const stamp = context.parentURL === undefined ? null : URL.parse(context.parentURL)?.searchParams.get(mark) ?? null
      const tree = stamp === null ? undefined : byStamp.get(stamp)
      if (tree === undefined || !found.url.startsWith('file:')) return found
      const file = fileURLToPath(found.url)
      if (!file.startsWith(tree.folder) || file.includes(`${sep}node_modules${sep}`)) return found
      if (!tree.files.has(file)) tree.files.set(file, statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.NaN)
      return { ...found, url: stamped(found.url, stamp!) }
    },
  })
}

function stamped (href: string, stamp: string): string {
  const url = new URL(href)
  url.searchParams.set(mark, stamp)
  return url.href
}
