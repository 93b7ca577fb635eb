import { subjectName } from '../../schemas/subject.ts'
import type { RegistryPort } from '../core/ports.ts'

/** The subject of a topic's contract: the one that the definition names, else as the registry's strategy makes it. */
export function subjectOf ({ strategy = 'TopicNameStrategy' }: RegistryPort, { topic, subject = `${topic}-value`, contract }: { readonly topic: string, readonly subject?: string, readonly contract: string }): string {
  return subject === `${topic}-value` ? subjectName(strategy, topic, contract) : subject
}
