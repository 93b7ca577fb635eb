import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/**
 * Emit what is published: `dist/` becomes a package of its own, because Node strips no types inside node_modules.
 *
 * Shape: JavaScript and declarations of schemas, pipelines and connectors; .avsc files and the definition's JSON schema;
 *        package.json with its paths turned to .js. `node infra/build.ts <folder>` writes elsewhere than dist/
 */
const root = new URL('..', import.meta.url).pathname
const dist = resolve(process.argv[2] ?? join(root, 'dist'))
if (process.argv[2] === undefined) rmSync(dist, { recursive: true, force: true })
else if (existsSync(dist)) throw new Error(`${dist} is there already`)

const compiled = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'infra/tsconfig.build.json'), '--outDir', dist], { stdio: 'inherit' })
if (compiled.status !== 0) process.exit(compiled.status ?? 1)

for (const top of ['schemas', 'pipelines', 'connectors']) {
  for (const file of readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })) {
    if (/\.(avsc|cjs|js|json|yaml)$/.test(file)) copy(join(top, file))
  }
}
for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md', 'docs/definition.schema.json']) copy(file)

const { devDependencies, scripts, allowScripts, overrides, private: unpublished, ...published } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const built = (path: string) => path.endsWith('.ts') ? { types: path.replace(/\.ts$/, '.d.ts'), default: path.replace(/\.ts$/, '.js') } : path
writeFileSync(join(dist, 'package.json'), `${JSON.stringify({
  ...published,
  // Not in the checkout, where any Node will do: the one it needs comes along.
  engines: { node: '>=24' },
  exports: Object.fromEntries(Object.entries<string>(published.exports).map(([name, path]) => [name, built(path)])),
}, null, 2)}\n`)

function copy (file: string): void {
  mkdirSync(dirname(join(dist, file)), { recursive: true })
  cpSync(join(root, file), join(dist, file))
}
