// What the section of people asks the server.

const MEMBER = `fragment Member on StaffMember {
  id name email role state invitedUntil signedInAt claimed assigned queues { id name }
}`;

export const PEOPLE = `query ($after: String) {
  staff(first: 100, after: $after, includeRetired: true) {
    nodes { ...Member } pageInfo { hasNextPage endCursor }
  }
  queues { id name }
}
${MEMBER}`;

export const INVITE = `mutation ($input: InviteStaffInput!) {
  inviteStaff(input: $input) {
    staff { ...Member } invitation { link expiresAt } errors { code message field }
  }
}
${MEMBER}`;

export const RENEW = `mutation ($id: ID!) {
  renewInvite(id: $id) { staff { ...Member } invitation { link expiresAt } errors { code message field } }
}
${MEMBER}`;

export const RESTORE = `mutation ($id: ID!) {
  restoreStaff(id: $id) { staff { ...Member } invitation { link expiresAt } errors { code message field } }
}
${MEMBER}`;

export const UPDATE = `mutation ($input: UpdateStaffInput!) {
  updateStaff(input: $input) { staff { ...Member } errors { code message field } }
}
${MEMBER}`;

export const RETIRE = `mutation ($id: ID!) {
  retireStaff(id: $id) { staff { ...Member } errors { code message field } }
}
${MEMBER}`;
