import { durationText } from '../../core/time.ts'
import type { ColumnGuess, TableGuess } from './infer.ts'

export interface ProjectFile { readonly path: string, readonly text: string }
interface ProjectOptions { readonly name: string, readonly guess: TableGuess, readonly csvFile: string, /** Of the package that `npm install` brings. */ readonly millrace: string }

/** The files of a new project: contract, definition, a test of its own, package.json and a README. */
export function projectFiles (options: ProjectOptions): readonly ProjectFile[] {
  return [
    { path: 'contracts/reading.avsc', text: contract(options.guess) },
    { path: 'pipeline.yaml', text: definition(options) },
    { path: 'test/pipeline.test.js', text: projectTest(options) },
    { path: 'package.json', text: packageJson(options) },
    { path: 'README.md', text: readme(options) },
    { path: '.gitignore', text: 'node_modules/\n.millrace/\n' },
  ]
}

const keyField = (guess: TableGuess) => guess.key?.field ?? 'device'

function contract ({ columns, key }: TableGuess): string {
  const types = { time: { type: 'long', logicalType: 'timestamp-millis' }, number: 'double', bool: 'boolean', text: 'string' } as const
  const fields: object[] = columns.map(column => {
    const type = column === key ? 'string' : types[column.kind]
    return { name: column.field, ...(column.nullable && column.kind !== 'time' ? { type: ['null', type], default: null } : { type }), ...(column.unit === null ? {} : { unit: column.unit }) }
  })
  if (key === null) fields.push({ name: 'device', type: 'string', default: 'device-1' })
  return `${JSON.stringify({ type: 'record', name: 'Reading', fields }, null, 2)}\n`
}

const measured = ({ columns, key }: TableGuess): readonly ColumnGuess[] => columns.filter(column => column.kind === 'number' && column !== key)

/** Six intervals, at least a second, rounded up to a whole unit of time. */
function windowMs ({ intervalMs }: TableGuess): number {
  const wanted = Math.max(1_000, (intervalMs ?? 10_000) * 6)
  return [1_000, 10_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000, 21_600_000, 86_400_000].find(ms => ms >= wanted) ?? 86_400_000
}

const round = (value: number) => Number(value.toPrecision(4))

function definition ({ name, guess }: ProjectOptions): string {
  const size = durationText(windowMs(guess))
  const numbers = measured(guess)
  const keep = numbers.slice(0, 4).flatMap(({ field }) => [`      mean_${field}: { mean: ${field} }`, `      max_${field}: { max: ${field} }`])
  const first = numbers[0]
  const rule = first === undefined
    ? `  silent:\n    absent: ${durationText(windowMs(guess) * 10)}\n    severity: warning\n`
    : `  # The highest hundredth of your readings lie above this; set it to what matters to you.\n  high:\n    when: '${first.field} > ${round(first.numbers!.p99)}'\n    clear: '${first.field} < ${round((first.numbers!.p99 + first.numbers!.median) / 2)}'\n    severity: warning\n`
  return `# What happens to every reading. \`npm run check\` says what is wrong with it, \`npm start\` runs it.
name: ${name}

source:
  topic: ${name}.readings
  contract: contracts/reading.avsc
  key: ${keyField(guess)}
  time: { field: ${guess.time.field} }
${guess.intervalMs === null ? '' : `  interval: ${durationText(Math.round(guess.intervalMs))}\n`}
time:
  lateness: ${durationText(Math.max(1_000, Math.round(guess.intervalMs ?? 10_000)))}
  futureMax: 1d

windows:
  summary:
    tumbling: ${size}
    keep:
      n: count
${keep.join('\n')}${keep.length > 0 ? '\n' : ''}
rules:
${rule}
control:
  topic: ${name}.control

lake:
  keyspace: ${name.replaceAll('-', '_')}
  rollups: [summary]
`
}

function projectTest ({ csvFile, guess }: ProjectOptions): string {
  const rule = measured(guess).length > 0
  return `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { replay } from 'millrace/testing'

const played = await replay({ definition: 'pipeline.yaml', input: '${csvFile}' })

test('every row of the file is read', () => {
  assert.deepEqual(played.filter(line => line.kind === 'dead-letter'), [])
})

test('windows count every reading once', () => {
  const counted = played.filter(line => line.kind === 'window' && line.final).reduce((sum, line) => sum + line.values.n, 0)
  const late = played.filter(line => line.kind === 'late').length
  assert.ok(counted > 0)
  assert.equal(counted + late, played.readings)
})
${rule ? `
test('the rule raises an alert on this recording, and every raised alert has an id of its own', () => {
  const raised = played.filter(line => line.kind === 'event' && line.state === 'raised')
  assert.ok(raised.length > 0)
  assert.equal(new Set(raised.map(line => line.id)).size, raised.length)
})
` : ''}`
}

function packageJson ({ name, millrace, csvFile }: ProjectOptions): string {
  return `${JSON.stringify({
    name, private: true, type: 'module', engines: { node: '>=24' },
    scripts: { start: `millrace dev pipeline.yaml --input ${csvFile}`, check: 'millrace check pipeline.yaml', replay: `millrace replay pipeline.yaml --input ${csvFile}`, test: 'node --test' },
    dependencies: { millrace },
  }, null, 2)}\n`
}

function readme ({ name, csvFile, guess }: ProjectOptions): string {
  return `# ${name}

\`\`\`sh
npm install
npm test        # plays ${csvFile} through the pipeline and checks what comes out
npm run replay  # the same, printed line by line
npm start       # runs it for good, feeding ${csvFile} as if it arrived now
\`\`\`

\`pipeline.yaml\` is the definition, \`contracts/reading.avsc\` says what a reading looks like. They were guessed from ${csvFile}:

${guess.said.map(line => `- ${line}`).join('\n')}
`
}
