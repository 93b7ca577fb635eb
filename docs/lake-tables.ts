import { cassandraProperties } from '../connectors/cassandra/config.ts'
import { identifier, type LakeTable, primaryKey, qualified } from '../connectors/cassandra/table.ts'
import { lakeTables } from '../connectors/cassandra/tables.ts'
import coldChain from '../pipelines/catalog/cold-chain.ts'
import { layoutOf } from '../pipelines/cli/lake-layout.ts'
import { compileDefinition } from '../pipelines/define/compile.ts'

/** The tables of the shipped pipeline's lake, and the properties of Cassandra. */
export function lakeTablesPage (): string {
  const layout = layoutOf(compileDefinition(coldChain))
  const tables = lakeTables({ ...layout, keyspace: 'fleet' })
  const chunks = lakeTables({ ...layout, keyspace: 'fleet', rawMode: 'chunks' }).chunks!
  const { readings, rollups, keys, alerts, alertsByDay, deadLetters, late, widths, offsets, migrations } = tables
  const sections = [readings!, chunks, ...rollups, keys, alerts, alertsByDay, deadLetters, late, widths, offsets, migrations].map((table: LakeTable) => `## ${table.name}\n\n${rowText(table)}.\n\n\`\`\`sql\n${described('fleet', table)}\n\`\`\`\n`)
  const properties = Object.entries(cassandraProperties).map(([name, means]) => `| \`${name}\` | \`CASSANDRA_${name.replaceAll('.', '_').toUpperCase()}\` | ${means} |`)
  return `# Tables of a lake in Cassandra

Printed by \`npm run docs\`: the tables of the shipped pipeline \`pipelines/catalog/cold-chain.ts\`, as \`millrace lake plan\` makes them, and the properties that say where Cassandra is. [The lake](lake.md) tells what to do with them. Yours have the name of your pipeline in place of \`cold_chain\`, and your signals, windows and statistics.

${sections.join('\n')}
## Properties

In the profile under \`lake:\`, as variables of the environment (with \`_FILE\` behind the name, the variable names a file that holds the value), or as \`-X cassandra.<property>=<value>\`; later ones go before earlier ones.

| property | variable | what it is |
| --- | --- | --- |
${properties.join('\n')}
`
}

function rowText ({ comment, ttlMs }: LakeTable): string {
  return `A row is ${comment.slice(comment.indexOf(':') + 2)}${ttlMs === null ? '' : `, kept for ${ttlMs / 86_400_000} days here`}`
}

/** The columns and the key; what each column is stands beside it. */
function described (keyspace: string, table: LakeTable): string {
  const written = table.columns.map(({ name, type }) => `  ${identifier(name)} ${type},`)
  const width = Math.max(...written.map(line => line.length))
  return [`CREATE TABLE ${qualified(keyspace, table.name)} (`, ...table.columns.map(({ means }, index) => `${written[index]!.padEnd(width)}  -- ${means}`), `  PRIMARY KEY (${primaryKey(table)})`, ')'].join('\n')
}
