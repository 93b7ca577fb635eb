/** An identifier that may be a reserved word (`at`, `offset`, `end`). */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
