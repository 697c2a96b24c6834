"""The operations that tests send."""

LOG_CONTACT = """
mutation Log($taskId: ID!, $outcome: ContactOutcome!, $followUp: Date, $notes: String,
             $close: Boolean! = false, $expectedVersion: Int, $idempotencyKey: String,
             $contactedAt: DateTime) {
  logContact(taskId: $taskId, outcome: $outcome, followUp: $followUp, notes: $notes, close: $close,
             expectedVersion: $expectedVersion, idempotencyKey: $idempotencyKey,
             contactedAt: $contactedAt) {
    late task { id status isOpen statusLabel followUp version contactCount closeCause closedAt }
    contact { id outcome followUp notes closedTask loggedBy { name } }
    errors { code message field }
  }
}
"""

CREATE_TASK = """
mutation Create($input: CreateTaskInput!) {
  createTask(input: $input) {
    task { id status origin reason followUp expiresAt version queue { name } patient { name } }
    errors { code message field }
  }
}
"""

QUEUE_FEED = """
subscription Feed($queueIds: [ID!], $after: String) {
  queueFeed(queueIds: $queueIds, after: $after) {
    __typename
    ... on QueueSnapshot {
      seq queues { queue { id name } tasks { nodes { id lastContact { notes } } } }
    }
    ... on TaskEvent { seq task { id } contact { notes } }
    ... on QueueCounts { seq queue { id name } }
  }
}
"""

STATUS_CHANGED = """
subscription Changes($queueIds: [ID!], $after: String) {
  taskStatusChanged(queueIds: $queueIds, after: $after) {
    cursor seq kind fromStatus toStatus closeCause
    task { id status followUp version queue { name } patient { name } }
    contact { outcome notes }
    actor { name }
  }
}
"""
