/** What `millrace/connectors/registry` exports. */
export { SchemaCatalogue } from './catalogue.ts'
export { registryClient, type RegistryClientOptions } from './client.ts'
export { type RegistryConfig, registryConfig, registryEnvironment, registryProperties } from './config.ts'
export { logStore, schemasTopic } from './log-store.ts'
export { cataloguePort } from './port.ts'
export { type RegistryServer, type RegistryServerOptions, serveRegistry } from './server.ts'
export { memoryStore, type RegistryStore } from './store.ts'
