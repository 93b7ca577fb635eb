import { writeFileSync } from 'node:fs'
import { Command, type Option } from 'commander'
import { exitCodes } from '../pipelines/cli/exit.ts'
import { infoHelp, infoName, legFigures } from '../pipelines/cli/figures.ts'
import { verbs } from '../pipelines/cli/verbs.ts'
import { errorCatalogue } from '../pipelines/core/errors.ts'
import { definitionJsonSchema } from '../pipelines/define/json-schema.ts'
import { referencePage } from '../pipelines/define/reference.ts'
import { performancePage } from './figures.ts'
import { lakeTablesPage } from './lake-tables.ts'

/** The pages of docs/ that are printed from the code. `npm run docs` writes them; a test holds them against the code. */
export function errorsPage (): string {
  const next = { 'dead-letter': 'the record goes to the dead-letter topic and the pipeline goes on', retry: 'tried again with growing pauses', stop: 'the task stops and says so' }
  const whose = { data: 'the data', config: 'the definition or configuration', external: 'a system around Millrace', bug: 'Millrace itself' }
  const sections = Object.entries(errorCatalogue).sort(([a], [b]) => a < b ? -1 : 1).map(([code, { fault, action, says, advice }]) =>
    `## ${code}\n\n${says}.\n\n- Whose fault: ${whose[fault]}\n- What happens: ${next[action]}\n\n${advice}\n`)
  return `# Errors\n\nPrinted from the error catalogue by \`npm run docs\`. Every message begins with what could not be done and carries one of these codes.\n\n${sections.join('\n')}`
}

/** The verbs with their options as `--help` has them, and the exit codes. */
export function cliPage (): string {
  const program = new Command('millrace')
  for (const add of verbs) add(program)
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const note = ({ defaultValue, envVar, argChoices }: Option) => [
    ...(argChoices === undefined ? [] : [argChoices.join(' or ')]), ...(envVar === undefined ? [] : [`or ${envVar} in the environment`]),
    ...(defaultValue === undefined || typeof defaultValue === 'boolean' ? [] : [`default ${defaultValue}`]),
  ].map(text => `; ${text}`).join('')
  const leaves = (group: Command, called: string): readonly (readonly [string, Command])[] => group.commands.flatMap(verb => verb.commands.length > 0 ? leaves(verb, `${called} ${verb.name()}`) : [[`${called} ${verb.name()}`, verb] as const])
  const sections = leaves(program, 'millrace').map(([called, verb]) => {
    const options = verb.options.map(option => `| \`${cell(option.flags)}\` | ${cell(option.description + note(option))} |`)
    const table = options.length === 0 ? '' : `\n| option | |\n| --- | --- |\n${options.join('\n')}\n`
    return `## ${called}\n\n\`${called} ${verb.usage()}\`\n\n${verb.description()}\n${table}`
  })
  const codes = Object.entries(exitCodes).map(([name, { code, means }]) => `| ${code} | ${name} | ${means} |`)
  return `# The command line

Printed by \`npm run docs\`. \`millrace --help\` and \`millrace <verb> --help\` say the same. In a checkout \`millrace\` is \`npm run millrace --\`, or \`node pipelines/cli/launch.js\`.

Data goes to stdout, talk to stderr. Colours obey \`NO_COLOR\` and \`FORCE_COLOR\`, and are off where the stream is not a terminal. A reader that goes away (\`| head\`) ends a command quietly.

${sections.join('\n')}
## Exit codes

| code | name | means |
| --- | --- | --- |
${codes.join('\n')}

A second Ctrl-C ends at once, with 130.
`
}

/** Every metric of `/metrics`. */
export function metricsPage (): string {
  const rows = [{ name: infoName, kind: 'gauge', labels: ['version', 'member'], help: infoHelp }, ...legFigures.map(row => ({ ...row, labels: ['pipeline', 'leg', ...row.labels] }))]
  const table = rows.map(({ name, kind, labels, help }) => `| \`${name}\` | ${kind} | ${labels.map(label => `\`${label}\``).join(' ')} | ${help} |`)
  return `# Metrics

Printed by \`npm run docs\`. \`millrace run ... --http 9464\` serves them at \`/metrics\`; how to use them: [operations](operations.md).

Counters of records are as of the last commit: a leg that begins anew after an error takes nothing back. Nothing has a device as a label, and nothing is counted for the sake of monitoring while records are processed: figures are made when they are scraped.

| name | type | labels | meaning |
| --- | --- | --- | --- |
${table.join('\n')}

\`process_*\` and \`nodejs_*\` (processor, memory, event loop, garbage collection) are those of prom-client.
`
}

/** Every printed page by its file's name. */
export const pages: Readonly<Record<string, () => string>> = {
  'cli.md': cliPage,
  'errors.md': errorsPage,
  'lake-tables.md': lakeTablesPage,
  'metrics.md': metricsPage,
  'performance.md': performancePage,
  'reference.md': referencePage,
  'definition.schema.json': () => `${JSON.stringify(definitionJsonSchema(), null, 2)}\n`,
}

if (import.meta.main) for (const [file, print] of Object.entries(pages)) writeFileSync(new URL(file, import.meta.url), print())
