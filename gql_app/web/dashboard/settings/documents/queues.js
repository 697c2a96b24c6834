// What the section of the queues asks the server.

const SETTINGS = `fragment Settings on Queue {
  id name followUpLadder automaticLifeDays closesOnAppointment appointmentKinds missedAppointments maxAttempts closesAtMaxAttempts script archivedAt
}`;

export const QUEUES = `{ queues(includeArchived: true) { ...Settings counts { open } } }
${SETTINGS}`;

export const CREATE_QUEUE = `mutation ($input: CreateQueueInput!) {
  createQueue(input: $input) { queue { ...Settings } errors { code message field } }
}
${SETTINGS}`;

export const UPDATE_QUEUE = `mutation ($input: UpdateQueueInput!) {
  updateQueue(input: $input) { queue { ...Settings } errors { code message field } }
}
${SETTINGS}`;

export const ARCHIVE_QUEUE = `mutation ($input: ArchiveQueueInput!) {
  archiveQueue(input: $input) { tasks errors { code message field } }
}`;
