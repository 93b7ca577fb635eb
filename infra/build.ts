import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * Emit what is published: `dist/` becomes a package of its own, because Node strips no types inside node_modules.
 *
 * Shape: JavaScript and declarations of schemas, pipelines and connectors; .avsc files; package.json with its paths turned to .js
 */
const root = new URL('..', import.meta.url).pathname
const dist = join(root, 'dist')
rmSync(dist, { recursive: true, force: true })

const compiled = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'infra/tsconfig.build.json')], { stdio: 'inherit' })
if (compiled.status !== 0) process.exit(compiled.status ?? 1)

for (const top of ['schemas', 'pipelines', 'connectors']) {
  for (const file of readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })) {
    if (/\.(avsc|cjs|js|json|yaml)$/.test(file)) copy(join(top, file))
  }
}
for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md']) copy(file)

const { devDependencies, scripts, allowScripts, ...published } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const built = (path: string) => path.endsWith('.ts') ? { types: path.replace(/\.ts$/, '.d.ts'), default: path.replace(/\.ts$/, '.js') } : path
writeFileSync(join(dist, 'package.json'), `${JSON.stringify({
  ...published,
  exports: Object.fromEntries(Object.entries<string>(published.exports).map(([name, path]) => [name, built(path)])),
}, null, 2)}\n`)

function copy (file: string): void {
  mkdirSync(dirname(join(dist, file)), { recursive: true })
  cpSync(join(root, file), join(dist, file))
}
