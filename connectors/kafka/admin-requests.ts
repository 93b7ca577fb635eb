import { api } from './api.ts'
import { array, bool, fixed, int16, int32, int8, nullableArray, nullableString, string, struct, uuid } from './fields.ts'

/** The requests about topics. Shape, Source: as in requests.ts */

const config = struct({ name: string, value: nullableString, readOnly: bool, configSource: int8, isSensitive: bool })

export const createTopics = api(19, 'CreateTopics', { versions: [7, 7] }, {
  topics: array(struct({ name: string, numPartitions: int32, replicationFactor: int16, assignments: fixed(array(int32), []), configs: array(struct({ name: string, value: nullableString })) })),
  timeoutMs: int32, validateOnly: fixed(bool, false),
}, {
  throttleTimeMs: int32,
  topics: array(struct({ name: string, topicId: uuid, errorCode: int16, errorMessage: nullableString, numPartitions: int32, replicationFactor: int16, configs: nullableArray(config) })),
})

/** By id. */
export const deleteTopics = api(20, 'DeleteTopics', { versions: [6, 6] }, { topics: array(struct({ name: fixed(nullableString, null), topicId: uuid })), timeoutMs: int32 }, {
  throttleTimeMs: int32, responses: array(struct({ name: nullableString, topicId: uuid, errorCode: int16, errorMessage: nullableString })),
})

export const createPartitions = api(37, 'CreatePartitions', { versions: [3, 3] }, {
  topics: array(struct({ name: string, count: int32, assignments: fixed(nullableArray(int32), null) })), timeoutMs: int32, validateOnly: fixed(bool, false),
}, { throttleTimeMs: int32, results: array(struct({ name: string, errorCode: int16, errorMessage: nullableString })) })

export const describeConfigs = api(32, 'DescribeConfigs', { versions: [4, 4] }, {
  resources: array(struct({ resourceType: int8, resourceName: string, configurationKeys: nullableArray(string) })), includeSynonyms: fixed(bool, false), includeDocumentation: fixed(bool, false),
}, {
  throttleTimeMs: int32,
  results: array(struct({
    errorCode: int16, errorMessage: nullableString, resourceType: int8, resourceName: string,
    configs: array(struct({
      name: string, value: nullableString, readOnly: bool, configSource: int8, isSensitive: bool,
      synonyms: array(struct({ name: string, value: nullableString, source: int8 })), configType: int8, documentation: nullableString,
    })),
  })),
})

export const incrementalAlterConfigs = api(44, 'IncrementalAlterConfigs', { versions: [1, 1] }, {
  resources: array(struct({ resourceType: int8, resourceName: string, configs: array(struct({ name: string, configOperation: int8, value: nullableString })) })), validateOnly: fixed(bool, false),
}, { throttleTimeMs: int32, responses: array(struct({ errorCode: int16, errorMessage: nullableString, resourceType: int8, resourceName: string })) })
