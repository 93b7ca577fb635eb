/** What `millrace/connectors/registry` exports. */
export { cataloguePort, SchemaCatalogue } from './catalogue.ts'
export { registryClient, type RegistryClientOptions } from './client.ts'
export { type RegistryConfig, registryConfig } from './config.ts'
export { logStore } from './log-store.ts'
export { type RegistryServer, type RegistryServerOptions, serveRegistry } from './server.ts'
export { memoryStore, type RegistryStore } from './store.ts'
