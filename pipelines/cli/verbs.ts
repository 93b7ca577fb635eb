import type { Command } from 'commander'
import { addCheck } from './check.ts'
import { addDev } from './dev.ts'
import { addDlq } from './dlq.ts'
import { addExplain } from './explain.ts'
import { addInit } from './init.ts'
import { addLake } from './lake.ts'
import { addRegistry } from './registry.ts'
import { addReplay } from './replay.ts'
import { addReset } from './reset.ts'
import { addRun } from './run.ts'
import { addSchema } from './schema.ts'
import { addStatus } from './status.ts'
import { addTail } from './tail.ts'
import { addTypes } from './types.ts'

/** Every verb of the command line, in the order of the help. Verbs load what they need when they run. */
export const verbs: readonly ((program: Command) => void)[] = [addInit, addDev, addRun, addCheck, addExplain, addReplay, addTail, addStatus, addDlq, addLake, addReset, addTypes, addSchema, addRegistry]
