import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

/** Which rooms a room may import from, and which packages. An arrow that is not listed here fails the build. */
interface Room { readonly rooms: readonly string[], readonly packages: readonly string[] }
const stage = (...packages: string[]): Room => ({ rooms: ['pipelines/core', 'schemas'], packages })
const deciding: Room = { rooms: ['pipelines/core', 'schemas', 'pipelines/expression'], packages: [] }
const rooms: Readonly<Record<string, Room>> = {
  'schemas': { rooms: [], packages: ['avsc'] },
  'pipelines/core': { rooms: ['schemas'], packages: [] },
  'pipelines/decode': stage('avsc'),
  'pipelines/expression': stage('@marcbachmann/cel-js'),
  'pipelines/normalise': deciding,
  'pipelines/window': stage(),
  'pipelines/rules': deciding,
  'pipelines/chunk': stage(),
  'pipelines/lake': { rooms: ['pipelines/core', 'schemas', 'pipelines/expression'], packages: [] },
  'pipelines/runtime': { rooms: ['pipelines/core'], packages: [] },
  'pipelines/define': { rooms: ['pipelines/core', 'schemas'], packages: ['zod', 'yaml'] },
  'pipelines/catalog': { rooms: ['pipelines/define', 'schemas'], packages: [] },
  'pipelines/cli': { rooms: ['*'], packages: ['commander', 'picocolors', 'csv-parse', 'millrace'] },
  'connectors/embedded': { rooms: ['pipelines/core', 'schemas'], packages: ['lmdb', '@node-rs/crc32', 'zod'] },
  'connectors/kafka': { rooms: ['pipelines/core', 'schemas'], packages: ['@node-rs/crc32', 'zod'] },
  'connectors/rdkafka': { rooms: ['pipelines/core', 'schemas'], packages: ['zod'] },
  'connectors/kafkajs': { rooms: ['pipelines/core', 'schemas'], packages: ['kafkajs', 'zod'] },
  'connectors/cassandra': { rooms: ['pipelines/core', 'schemas'], packages: ['cassandra-driver', 'zod'] },
  'connectors/duckdb': { rooms: ['pipelines/core', 'schemas'], packages: ['@duckdb/node-api', '@duckdb/node-bindings', 'zod'] },
  'connectors/prometheus': { rooms: ['pipelines/core', 'schemas'], packages: ['prom-client'] },
  'connectors/registry': { rooms: ['pipelines/core', 'schemas'], packages: ['zod'] },
}
const stageRooms = ['decode', 'expression', 'normalise', 'window', 'rules', 'chunk'].map(room => `pipelines/${room}`)
/** From compile.ts alone, define reaches the stages. */
const compileFile = 'pipelines/define/compile.ts'
const linesMax = 400
const functionLinesMax = 60
const pureRooms = /^pipelines\/(core|decode|expression|normalise|window|rules|chunk)\//
const impure = /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|setInterval|setImmediate|process\.(env|hrtime|on)|await|async|Promise)\b/

const files = ['schemas', 'pipelines', 'connectors']
  .flatMap(top => readdirSync(top, { recursive: true, encoding: 'utf8' }).map(file => join(top, file)))
  .filter(file => file.endsWith('.ts'))

const roomOf = (file: string) => Object.keys(rooms).find(room => file.startsWith(`${room}/`))
const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, comment => comment.replace(/[^\n]/g, ' ')).replace(/(^|\s)\/\/.*$/gm, '')
const imports = (text: string) => [...text.matchAll(/\b(?:from |import\(|import )'([^'\n]+)'/g)].map(([, target]) => target!)

for (const file of files) {
  test(`tidy: ${file}`, () => {
    const text = readFileSync(file, 'utf8')
    const room = roomOf(file)
    assert(room, 'every file lives in a known room')
    assert(text.split('\n').length <= linesMax + 1, `at most ${linesMax} lines`)
    if (pureRooms.test(file) && !/^pipelines\/core\/(lake-)?ports\.ts$/.test(file)) assert.doesNotMatch(code(text).replace(/'(?:[^'\\\n]|\\.)*'|`[^`$]*`/g, "''"), impure, 'the core and the stages read no clock and await nothing')
    for (const target of imports(text)) checkArrow(file, room, target)
    checkFunctions(text)
    checkText(text)
  })
}

function checkArrow (file: string, room: string, target: string): void {
  if (target.startsWith('node:')) return
  const allowed = rooms[room]!
  if (!target.startsWith('.')) {
    const name = target.split('/').slice(0, target.startsWith('@') ? 2 : 1).join('/')
    assert(allowed.packages.includes(name), `${room} may not import the package ${name}`)
    return
  }
  const other = roomOf(join(dirname(file), target))
  if (other === room || allowed.rooms.includes('*') || (other !== undefined && allowed.rooms.includes(other))) return
  assert(file === compileFile && stageRooms.includes(other!), `${room} may not import ${target}`)
}

/** A function ends where its indentation returns; good enough for one style. */
function checkFunctions (text: string): void {
  const lines = text.split('\n')
  lines.forEach((line, first) => {
    const [, indent] = /^( *)(?:export )?(?:default )?(?:async )?(?:static )?(?:function\b|(?:get |set |\* ?)?#?[\w$]+ \([^)]*\).*\{$)/.exec(line) ?? []
    if (indent === undefined || /^ *(if|for|while|switch|catch|return)\b/.test(line) || !line.endsWith('{')) return
    const end = lines.findIndex((other, index) => index > first && other === `${indent}}`)
    assert(end < 0 || end - first < functionLinesMax, `line ${first + 1}: a function has at most ${functionLinesMax} lines, this one ${end - first + 1}`)
  })
}

function checkText (text: string): void {
  assert(text.endsWith('\n') && !text.endsWith('\n\n'), 'a file ends with one newline')
  assert.doesNotMatch(text, /[ \t]+$/m, 'no trailing space')
  assert.doesNotMatch(text, /\t/, 'no tabs')
  assert(!/;[ ]*\n(?!\s*[[(`])/.test(code(text)), 'no semicolons at the end of a line, unless the next one begins with a bracket')
  assert.doesNotMatch(text, /@ts-ignore|@ts-nocheck/, 'types are not silenced')
}
