// What is sent to take back what was done.

export const UNDO = `mutation ($contactId: ID!, $reason: String, $key: String) {
  undoContact(contactId: $contactId, reason: $reason, idempotencyKey: $key) {
    task { id patient { name } }
    errors { code message field }
  }
}`;

export const REOPEN = `mutation ($taskId: ID!, $reason: String!, $followUp: Date, $key: String) {
  reopenTask(taskId: $taskId, reason: $reason, followUp: $followUp, idempotencyKey: $key) {
    task { id }
    errors { code message field }
  }
}`;
