import { snakeCase } from '../../core/lake-names.ts'
import { durationText } from '../../core/time.ts'
import type { ColumnGuess, TableGuess } from './infer.ts'
import { projectTest } from './own-test.ts'

export interface ProjectFile { readonly path: string, readonly text: string }
export interface ProjectOptions {
  readonly name: string
  readonly guess: TableGuess
  /** Name of the recording in the project. */
  readonly csvFile: string
  readonly rows: number
  /** Rows of another number of columns than the header. */
  readonly ragged: number
  /** Version or path of the package that `npm install` brings. */
  readonly millrace: string
}

/** The files of a new project: contract, definition, a test of its own, package.json and a README. */
export function projectFiles (options: ProjectOptions): readonly ProjectFile[] {
  return [
    { path: 'contracts/reading.avsc', text: contract(options.guess) },
    { path: 'pipeline.yaml', text: definition(options) },
    { path: 'test/pipeline.test.js', text: projectTest(options, highRule(options.guess)) },
    { path: 'package.json', text: packageJson(options) },
    { path: 'README.md', text: readme(options) },
    { path: '.gitignore', text: 'node_modules/\n.millrace/\n' },
  ]
}

/** A column of devices that the file has not got gets a name that no column has. */
function keyField ({ key, columns }: TableGuess): string {
  if (key !== null) return key.field
  const used = new Set(columns.map(({ field }) => snakeCase(field)))
  return ['device', 'device_id', 'millrace_device'].find(name => !used.has(name)) ?? 'the_device'
}

function contract (guess: TableGuess): string {
  const { columns, key, time } = guess
  const types = { time: { type: 'long', logicalType: 'timestamp-millis' }, number: 'double', bool: 'boolean', text: 'string' } as const
  const fields: object[] = columns.map(column => {
    const type = column === key ? 'string' : column.epoch === null ? types[column.kind] : column.epoch.whole ? 'long' : 'double'
    return { name: column.field, ...(column.nullable && column !== time ? { type: ['null', type], default: null } : { type }), ...(column.unit === null ? {} : { unit: column.unit }) }
  })
  if (key === null) fields.push({ name: keyField(guess), type: 'string', default: 'device-1' })
  const lines = fields.map(field => `    ${JSON.stringify(field)}`)
  return `{\n  "type": "record",\n  "name": "Reading",\n  "fields": [\n${lines.join(',\n')}\n  ]\n}\n`
}

/** Numbers that were measured, the likeliest first: those with a unit, then those that do not merely count up or say where. */
function measured ({ columns, key }: TableGuess): readonly ColumnGuess[] {
  const rank = ({ unit, header, numbers }: ColumnGuess) => unit !== null ? 0 : /(^|[^a-z])(lat|lon|lng|latitude|longitude|seq|index|count|counter|no|nr|id)s?$/i.test(header) || numbers!.counter ? 2 : 1
  return columns.filter(column => column.kind === 'number' && column !== key).sort((a, b) => rank(a) - rank(b))
}

export interface HighRule { readonly field: string, readonly above: number, /** Null: cleared where it is no longer above. */ readonly below: number | null }

/** A rule that the recording sets off: above what the highest hundredth is, or at least above all but the highest value. */
function highRule (guess: TableGuess): HighRule | null {
  const column = measured(guess).find(({ numbers }) => numbers!.below !== null)
  if (column === undefined) return null
  const { max, p99, median, below } = column.numbers!
  const above = [round(p99), p99].find(value => value < max) ?? below!
  const clear = round((above + median) / 2)
  return { field: column.field, above, below: clear < above ? clear : null }
}

const round = (value: number) => Number(value.toPrecision(4))
/** CEL has a minus for numbers only; 1e21 is a number there too. */
const literal = (value: number) => String(value)

/** Six intervals, at least a second, rounded up to a whole unit of time. */
function windowMs ({ intervalMs }: TableGuess): number {
  const wanted = Math.max(1_000, (intervalMs ?? 10_000) * 6)
  return [1_000, 10_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000, 21_600_000, 86_400_000].find(ms => ms >= wanted) ?? 86_400_000
}

const fieldsMax = 4

function definition ({ name, guess }: ProjectOptions): string {
  const { intervalMs, time } = guess
  const keep = measured(guess).slice(0, fieldsMax).flatMap(({ field }) => [`      mean_${field}: { mean: ${field} }`, `      max_${field}: { max: ${field} }`])
  return `# yaml-language-server: $schema=./node_modules/millrace/docs/definition.schema.json
# What happens to every reading. \`npm run check\` says what is wrong with it, \`npm start\` runs it.
name: ${name}

source:
  topic: ${name}.readings
  contract: contracts/reading.avsc

key: ${keyField(guess)}
${intervalMs === null ? '' : `interval: ${durationText(intervalMs)}\n`}
time:
  field: ${time.field}
${time.epoch === null ? '' : `  unit: ${time.epoch.unit}\n`}  lateness: ${durationText(Math.max(1_000, intervalMs ?? 10_000))}
  futureMax: 1d

windows:
  summary:
    tumbling: ${durationText(windowMs(guess))}
    keep:
      n: count
${keep.map(line => `${line}\n`).join('')}
rules:
${rules(guess)}
control:
  topic: ${name}.control

lake:
  keyspace: ${snakeCase(name)}
  rollups: [summary]
`
}

function rules (guess: TableGuess): string {
  const rule = highRule(guess)
  if (rule === null) return `  silent:\n    absent: ${durationText(windowMs(guess) * 10)}\n    severity: warning\n`
  return `  # The highest hundredth of your readings lie above this; set it to what matters to you.
  high:
    when: ${rule.field} > ${literal(rule.above)}
${rule.below === null ? '' : `    clear: ${rule.field} < ${literal(rule.below)}\n`}    severity: warning
`
}

/** npm runs every script on the Node of the package `node`, whatever the machine has. */
function packageJson ({ name, millrace, csvFile }: ProjectOptions): string {
  return `${JSON.stringify({
    name: name === 'millrace' || name === 'node' ? `${name}-pipeline` : name, version: '0.0.0', private: true, type: 'module',
    scripts: { start: `millrace dev pipeline.yaml --input ${csvFile}`, check: 'millrace check pipeline.yaml', explain: 'millrace explain pipeline.yaml', replay: `millrace replay pipeline.yaml --input ${csvFile}`, test: 'node --test', millrace: 'millrace' },
    dependencies: { millrace },
    devDependencies: { node: '^24.0.0' },
    allowScripts: { node: true, lmdb: false, 'msgpackr-extract': false },
  }, null, 2)}\n`
}

function readme ({ name, csvFile, guess, ragged }: ProjectOptions): string {
  const notes = [...guess.said, ...(ragged === 0 ? [] : [`${ragged} rows have another number of columns than the header: they become dead letters`])]
  return `# ${name}

\`\`\`sh
npm install
npm test         # plays ${csvFile} through the pipeline and checks what comes out
npm run replay   # the same, printed line by line
npm run explain  # draws the pipeline
npm start        # runs it for good, feeding ${csvFile} as if it arrived now
\`\`\`

\`pipeline.yaml\` is the definition, \`contracts/reading.avsc\` says what a reading looks like. They were guessed from ${csvFile}:

${notes.map(line => `- ${line}`).join('\n')}
`
}
