import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hashText } from '../../pipelines/core/hash.ts'

/**
 * The last answers of a registry on disk, for when it does not answer. What is damaged or cannot be written counts as absent: the cache
 * may be deleted at any time.
 *
 * Delivery: a file is replaced whole
 */
export interface AnswerCache {
  read (question: string): Promise<unknown>
  write (question: string, answer: unknown): Promise<void>
}

/** One folder for each registry, named after its addresses; one file for each question. */
export function diskCache (folder: string, urls: readonly string[]): AnswerCache {
  const here = join(folder, hashText(urls.join(',')))
  const file = (question: string) => join(here, `${hashText(question)}.json`)
  return {
    async read (question) {
      try {
        const { check, text } = JSON.parse(await readFile(file(question), 'utf8')) as { readonly check: string, readonly text: string }
        return check === hashText(`${question}\n${text}`) ? JSON.parse(text) : undefined
      } catch {
        return undefined
      }
    },
    async write (question, answer) {
      const text = JSON.stringify(answer)
      const temporary = join(here, `.${randomUUID()}`)
      try {
        await mkdir(here, { recursive: true })
        await writeFile(temporary, JSON.stringify({ question, check: hashText(`${question}\n${text}`), text }))
        await rename(temporary, file(question))
      } catch {
        await rm(temporary, { force: true }).catch(() => {})
      }
    },
  }
}

export const noCache: AnswerCache = { read: async () => undefined, write: async () => {} }
