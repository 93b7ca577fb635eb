import { api } from './api.ts'
import { array, bool, bytes, fixed, from, int16, int32, int53, nullableArray, nullableString, since, string, struct } from './fields.ts'

/** The requests of the classic group protocol. Shape, Source: as in requests.ts */

export const joinGroup = api(11, 'JoinGroup', { versions: [9, 9] }, {
  groupId: string, sessionTimeoutMs: int32, rebalanceTimeoutMs: int32, memberId: string, groupInstanceId: nullableString, protocolType: string,
  protocols: array(struct({ name: string, metadata: bytes })), reason: nullableString,
}, {
  throttleTimeMs: int32, errorCode: int16, generationId: int32, protocolType: nullableString, protocolName: nullableString, leader: string, skipAssignment: bool, memberId: string,
  members: array(struct({ memberId: string, groupInstanceId: nullableString, metadata: bytes })),
})

export const syncGroup = api(14, 'SyncGroup', { versions: [5, 5] }, {
  groupId: string, generationId: int32, memberId: string, groupInstanceId: nullableString, protocolType: nullableString, protocolName: nullableString,
  assignments: array(struct({ memberId: string, assignment: bytes })),
}, { throttleTimeMs: int32, errorCode: int16, protocolType: nullableString, protocolName: nullableString, assignment: bytes })

export const heartbeat = api(12, 'Heartbeat', { versions: [4, 4] }, { groupId: string, generationId: int32, memberId: string, groupInstanceId: nullableString }, { throttleTimeMs: int32, errorCode: int16 })

export const leaveGroup = api(13, 'LeaveGroup', { versions: [5, 5] }, { groupId: string, members: array(struct({ memberId: string, groupInstanceId: nullableString, reason: nullableString })) }, {
  throttleTimeMs: int32, errorCode: int16, members: array(struct({ memberId: string, groupInstanceId: nullableString, errorCode: int16 })),
})

/** `topics` null: all that the group has committed. */
export const offsetFetch = api(9, 'OffsetFetch', { versions: [8, 9] }, {
  groups: array(struct({ groupId: string, memberId: from(9, fixed(nullableString, null)), memberEpoch: from(9, fixed(int32, -1)), topics: nullableArray(struct({ name: string, partitionIndexes: array(int32) })) })), requireStable: bool,
}, {
  throttleTimeMs: int32,
  groups: array(struct({
    groupId: string,
    topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, committedOffset: int53, committedLeaderEpoch: int32, metadata: nullableString, errorCode: int16 })) })),
    errorCode: int16,
  })),
})

export const describeGroups = api(15, 'DescribeGroups', { versions: [5, 6] }, { groups: array(string), includeAuthorizedOperations: fixed(bool, false) }, {
  throttleTimeMs: int32,
  groups: array(struct({
    errorCode: int16, errorMessage: since(6, nullableString, null), groupId: string, groupState: string, protocolType: string, protocolData: string,
    members: array(struct({ memberId: string, groupInstanceId: nullableString, clientId: string, clientHost: string, memberMetadata: bytes, memberAssignment: bytes })),
    authorizedOperations: int32,
  })),
})

/** No filter gives all. */
export const listGroups = api(16, 'ListGroups', { versions: [4, 5] }, { statesFilter: array(string), typesFilter: from(5, fixed(array(string), [])) }, {
  throttleTimeMs: int32, errorCode: int16, groups: array(struct({ groupId: string, protocolType: string, groupState: string, groupType: since(5, string, 'classic') })),
})

export const deleteGroups = api(42, 'DeleteGroups', { versions: [2, 2] }, { groupsNames: array(string) }, { throttleTimeMs: int32, results: array(struct({ groupId: string, errorCode: int16 })) })

export const offsetDelete = api(47, 'OffsetDelete', { versions: [0, 0], flexible: false }, { groupId: string, topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32 })) })) }, {
  errorCode: int16, throttleTimeMs: int32, topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, errorCode: int16 })) })),
})
