import type { ErrorEntry } from './entry.ts'

export const defineErrors = {
  CONFIG_DURATION: { fault: 'config', action: 'stop', says: 'Cannot read duration', advice: 'Write a whole amount and a unit: 500ms, 10s, 5m, 2h, 7d.' },
  DEFINITION_INVALID: { fault: 'config', action: 'stop', says: 'Cannot use definition', advice: 'Each problem names its place in the definition and, where one is close, the name that was meant. `millrace check` prints file, line and column of each.' },
  DEFINITION_UNREADABLE: { fault: 'config', action: 'stop', says: 'Cannot load definition', advice: 'The file is missing, is not YAML or TypeScript, or fails while it is imported. A TypeScript definition is the default export of its file: `export default definePipeline({ ... })`.' },
  PROFILE_INVALID: { fault: 'config', action: 'stop', says: 'Cannot use the profile', advice: 'Profiles stand in millrace.profiles.yaml, beside the definition or where the command runs, or in the file that --profiles names: `name: { kafka, registry, topics, lake, variables }`. `kafka` is known without a file.' },
  OPERATOR_FAILED: { fault: 'config', action: 'stop', says: 'Cannot go on: an operator of the definition threw', advice: 'Operators are the user\'s own code: the cause is what it threw. An operator that cannot use a value leaves its row unknown.' },
} as const satisfies Record<string, ErrorEntry>
