import type { ErrorEntry } from './entry.ts'

export const registryErrors = {
  REGISTRY_UNAVAILABLE: { fault: 'external', action: 'retry', says: 'Cannot reach the schema registry', advice: 'It does not answer, or answers with an error of its own, and what was asked is not in the cache. Known schemas go on; it is tried again. Check SCHEMA_REGISTRY_URL and the registry.' },
  REGISTRY_DENIED: { fault: 'config', action: 'stop', says: 'Cannot use the schema registry: it refuses the user', advice: 'Give user and password in basic.auth.user.info (SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO) as `user:password`, and let the registry allow what the message names.' },
  REGISTRY_INCOMPATIBLE: { fault: 'config', action: 'stop', says: 'Cannot register schema: it does not go with an earlier version', advice: 'The message names the field and the level. Give new fields a default and keep old ones, or change the compatibility level of the subject if every reader and writer can follow.' },
  REGISTRY_REFUSED: { fault: 'config', action: 'stop', says: 'Cannot use the schema registry: it refuses the request', advice: 'The message holds its answer. Without an `error_code` the address is probably not that of a registry.' },
  REGISTRY_UNSUPPORTED: { fault: 'config', action: 'stop', says: 'Cannot use schema of the registry', advice: 'Millrace reads Avro. Register the contract as Avro; what it refers to must be in the registry too.' },
  REGISTRY_CONFIG: { fault: 'config', action: 'stop', says: 'Cannot configure the schema registry', advice: 'The message names the property or its variable, and what it should hold. Properties are named as Confluent names them.' },
} as const satisfies Record<string, ErrorEntry>
