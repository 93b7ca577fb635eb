export type Leg = 'race' | 'pond'

/**
 * Names of what a pipeline keeps in the log. Input and control topics bear the names of the definition.
 *
 * Source: architecture of the topics: internal ones begin with `millrace.<pipeline>`
 */
export const names = {
  group: (pipeline: string, leg: Leg) => `millrace.${pipeline}.${leg}`,
  state: (pipeline: string, leg: Leg) => `millrace.${pipeline}.${leg}.state`,
  journal: (pipeline: string, leg: Leg) => `millrace.${pipeline}.${leg}.journal`,
  deadLetters: (pipeline: string) => `millrace.${pipeline}.dead-letter`,
  late: (pipeline: string) => `millrace.${pipeline}.late`,
} as const

/** A task's name, as it is told to people. */
export const taskName = ({ source, partition }: { readonly source: string, readonly partition: number }): string => `${source}/${partition}`
