// What the section of keys asks the server.

const KEY = `fragment Shown on Key {
  id number name role state mayCreateTasks expiresAt revokedAt lastUsedAt queues { id name }
}`;

export const KEYS = `query ($after: String) {
  keys(first: 100, after: $after) { nodes { ...Shown } pageInfo { hasNextPage endCursor } }
  queues { id name }
}
${KEY}`;

export const CREATE_KEY = `mutation ($input: CreateKeyInput!) {
  createKey(input: $input) { key { ...Shown } secret errors { code message field } }
}
${KEY}`;

export const ROTATE_KEY = `mutation ($id: ID!, $days: Int!) {
  rotateKey(id: $id, overlapDays: $days) { key { ...Shown } secret errors { code message field } }
}
${KEY}`;

export const REVOKE_KEY = `mutation ($id: ID!) {
  revokeKey(id: $id) { key { ...Shown } errors { code message field } }
}
${KEY}`;
