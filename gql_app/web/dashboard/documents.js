// What the dashboard asks the server.

import { OPEN_STATUSES, OUTCOME_COUNTS } from './workflow.js';

// What a row shows: of a task as it is now, and of one as it was right after an event.
const STATE = `status isOpen statusLabel priority reason followUp followUpAt isCallBackDue callBackBy { id name } reviewSince expiresAt version contactCount number
  closedAt closeCause closedBy { name } withdrawnReason queue { id name } assignee { name } patient { id name phone contactStatus language callerNote phones { display href kind isWrong } }
  lastContact { outcome contactedAt }`;

const TASK = `fragment Row on Task { id ${STATE} claim { id by { id name } until } }`;

const DETAIL = `fragment Detail on Task {
  ...Row suggestedFollowUp queue { script }
}
${TASK}`;

const COUNTS = `fragment Counts on QueueCounts {
  seq open notContacted inProgress dueToday overdue closedToday needsReview queue { id }
}`;

export const FEED = `subscription ($after: String) {
  queueFeed(after: $after) {
    __typename
    ... on QueueSnapshot { cursor queues { queue { id name } counts { ...Counts } } }
    ... on TaskEvent {
      cursor seq change kind at fromStatus closeCause actor { id name } contact { outcome followUp followUpAt }
      snapshot { taskId ${STATE} claim { id: claimId by { id name } until } }
    }
    ... on QueueCounts { ...Counts }
    ... on QueuesChanged { cursor practice { name timeZone restHours } queues { id name } }
    ... on Heartbeat { cursor at }
  }
}
${COUNTS}`;

export const VIEWER = `{
  viewer {
    id name role mayReadNotes mayLogContacts mayCreateTasks mayEditPatients mayMergePatients maySetContactStatus mayLiftContactStatus mayCorrect mayReadActivity mayReadAudit mayExport mayMoveTasks
    maySetUp mayManageAccess mayImport staff { id } group { name practices { id slug name isHome } }
    practice { name timeZone restHours now claimSeconds undoMinutes }
  }
}`;

export const SELF = `{ viewer { id } }`;

// What of the first steps of a practice is not told by the feed.
export const START = `{
  staff(first: 2) { nodes { id } }
  tasks(filter: { status: [OPEN, IN_PROGRESS, CLOSED] }, orderBy: CREATED, first: 1) { nodes { id } }
}`;

export const CLOCK = `{ viewer { practice { now } } }`;

export const ACCOUNT = `{
  viewer {
    name lastSignIn
    sessions { id device startedAt lastUsedAt current }
    passkeys { id device createdAt lastUsedAt }
  }
}`;

export const END_SESSION = `mutation ($id: ID!) { endSession(id: $id) { errors { message } } }`;

export const REMOVE_PASSKEY = `mutation ($id: ID!) { removePasskey(id: $id) { errors { message } } }`;

export const TASKS = `query ($filter: TaskFilter, $orderBy: TaskOrder!, $first: Int!, $after: String) {
  tasks(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    nodes { ...Row } pageInfo { hasNextPage endCursor }
  }
}
${TASK}`;

export const ONE_TASK = `query ($id: ID!) { task(id: $id) { ...Detail } }
${DETAIL}`;

// All contacts with the task's patient, the patient's open tasks, and how the task was postponed and ended.
export const PAST = `query ($id: ID!, $first: Int!) {
  task(id: $id) {
    id isOpen withdrawnReason closedBy { name } lastContact { notes loggedBy { name } }
    postponements { at followUp givenReason by { name } }
    patient {
      contactStatus nextAppointment { at kind }
      contacts(first: $first) {
        nodes {
          id outcome followUp followUpAt notes closedTask incoming contactedAt loggedBy { name } undo { at reason by { name } }
          task { id reason queue { name } }
        }
        pageInfo { hasNextPage }
      }
      tasks(status: [${OPEN_STATUSES}], first: 50) {
        nodes { id isOpen expiresAt reason followUp followUpAt contactCount assignee { name } queue { name } }
      }
      household { guarantor { id } }
    }
  }
}`;

// Asked for only if there is one.
export const HOUSEHOLD = `query ($id: ID!) {
  task(id: $id) {
    patient {
      household {
        guarantor { id }
        members {
          id name contactStatus
          tasks(status: [${OPEN_STATUSES}], first: 8) {
            nodes { id isOpen expiresAt reason followUp followUpAt contactCount assignee { name } queue { name } }
          }
        }
      }
    }
  }
}`;

export const CLAIM = `mutation ($id: ID!, $claimId: ID) {
  claimTask(taskId: $id, claimId: $claimId) { task { ...Detail } warnings { message } errors { code message } }
}
${DETAIL}`;

export const RENEW = `mutation ($id: ID!, $claimId: ID) {
  claimTask(taskId: $id, claimId: $claimId) { task { ...Row } errors { code message } }
}
${TASK}`;

export const CLAIM_NEXT = `mutation ($queueIds: [ID!], $claimId: ID, $skip: [ID!]) {
  claimNextTask(queueIds: $queueIds, claimId: $claimId, skip: $skip) {
    task { ...Detail } reason nextAt errors { code message }
  }
}
${DETAIL}`;

export const RELEASE = `mutation ($id: ID, $claimId: ID) {
  releaseTask(taskId: $id, claimId: $claimId) { task { ...Row } errors { code message } }
}
${TASK}`;

export const LOG = `mutation (
  $taskId: ID!, $outcome: ContactOutcome!, $followUp: Date, $notes: String, $close: Boolean!,
  $expectedVersion: Int, $idempotencyKey: String, $others: [OtherTaskInput!], $contactStatus: ContactStatus
  $followUpTime: LocalTime, $callBackBy: CallBackBy, $incoming: Boolean! = false
) {
  logContact(
    taskId: $taskId, outcome: $outcome, followUp: $followUp, notes: $notes, close: $close, expectedVersion: $expectedVersion,
    idempotencyKey: $idempotencyKey, others: $others, contactStatus: $contactStatus,
    followUpTime: $followUpTime, callBackBy: $callBackBy, incoming: $incoming
  ) { task { ...Detail } contact { id } others { contact { id } } errors { code message field } }
}
${DETAIL}`;

export const RESUME = `mutation ($id: ID!, $followUp: Date, $version: Int) {
  resumeTask(taskId: $id, followUp: $followUp, expectedVersion: $version) {
    task { ...Detail } errors { code message field }
  }
}
${DETAIL}`;

export const POSTPONE = `mutation ($taskId: ID!, $followUp: Date!, $followUpTime: LocalTime, $reason: String!, $expectedVersion: Int) {
  postponeTask(
    taskId: $taskId, followUp: $followUp, followUpTime: $followUpTime, reason: $reason, expectedVersion: $expectedVersion
  ) {
    task { ...Detail } errors { code message field }
  }
}
${DETAIL}`;

export const AT_WORK = `{ queues { id name staffAtWork { tasks staff { id name } } } }`;

export const ACTIVITY = `query ($day: Date!) {
  activity(from: $day, to: $day, bucket: HOUR) {
    total { ...Figures }
    buckets { begin figures { ...Figures } }
  }
}
fragment Figures on ActivityFigures { contacts { ${Object.keys(OUTCOME_COUNTS).join(' ')} total } }`;

export const AUDIT = `query ($patientId: ID, $staffId: ID, $from: Date, $to: Date, $after: String) {
  audit(patientId: $patientId, staffId: $staffId, from: $from, to: $to, first: 50, after: $after) {
    nodes { at action operation address result notes detail staff { id name } patient { id name } }
    pageInfo { hasNextPage endCursor }
  }
}`;

// Patients are found by their tasks, closed ones too.
export const PATIENTS = `query ($search: String!) {
  tasks(filter: { patient: $search, status: [OPEN, IN_PROGRESS, CLOSED] }, orderBy: CREATED, first: 50) {
    nodes { patient { id name } }
  }
}`;
