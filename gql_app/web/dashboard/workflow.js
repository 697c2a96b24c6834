// Written from models/lifecycle.py by `make diagram`.

// Statuses, as people read them.
export const STATUSES = {
  OPEN: 'Open',
  IN_PROGRESS: 'Open + In Progress',
  CLOSED: 'Closed',
};

// Statuses of a task that is on the work list.
export const OPEN_STATUSES = ['OPEN', 'IN_PROGRESS'];

// Outcomes, as people read them.
export const OUTCOMES = {
  NO_ANSWER: 'No Answer',
  LEFT_MESSAGE: 'Left Message',
  DID_NOT_SCHEDULE: 'Did Not Schedule',
  SCHEDULED: 'Scheduled',
};

// The same by the fields that count them in an activity report.
export const OUTCOME_COUNTS = {
  noAnswer: 'No Answer',
  leftMessage: 'Left Message',
  didNotSchedule: 'Did Not Schedule',
  scheduled: 'Scheduled',
};

// What each button needs for an outcome: why an empty form is refused, by input, or why
// any form is (refused). An outcome that needs no follow-up date takes none.
export const NEEDS = {
  log: {
    NO_ANSWER: {
      followUp: 'Set a follow-up date to keep the task open.',
    },
    LEFT_MESSAGE: {
      followUp: 'Set a follow-up date to keep the task open.',
    },
    DID_NOT_SCHEDULE: {
      followUp: 'Set a follow-up date to keep the task open.',
      notes: 'Say in the notes why the patient did not schedule.',
    },
    SCHEDULED: {
      refused: 'Scheduled ends the task: use Log and Close Task.',
    },
  },
  close: {
    NO_ANSWER: {},
    LEFT_MESSAGE: {},
    DID_NOT_SCHEDULE: {},
    SCHEDULED: {},
  },
};

// Causes of a close, as people read them.
export const CAUSES = {
  CONTACT: 'By a contact',
  EXPIRED: 'Expired',
  APPOINTMENT_BOOKED: 'Appointment booked',
  WITHDRAWN: 'Withdrawn',
};

// Codes of refusals.
export const CODES = {
  MUST_CLOSE: 'MUST_CLOSE',
  FOLLOW_UP_REQUIRED: 'FOLLOW_UP_REQUIRED',
  FOLLOW_UP_NOT_ALLOWED: 'FOLLOW_UP_NOT_ALLOWED',
  FOLLOW_UP_IN_PAST: 'FOLLOW_UP_IN_PAST',
  FOLLOW_UP_AFTER_EXPIRY: 'FOLLOW_UP_AFTER_EXPIRY',
  FOLLOW_UP_TOO_FAR: 'FOLLOW_UP_TOO_FAR',
  FOLLOW_UP_TIME_REQUIRED: 'FOLLOW_UP_TIME_REQUIRED',
  FOLLOW_UP_TIME_SKIPPED: 'FOLLOW_UP_TIME_SKIPPED',
  NOTES_REQUIRED: 'NOTES_REQUIRED',
  NOTES_TOO_LONG: 'NOTES_TOO_LONG',
  TASK_CLOSED: 'TASK_CLOSED',
  TASK_OPEN: 'TASK_OPEN',
  CONTACTED_IN_FUTURE: 'CONTACTED_IN_FUTURE',
  CONTACTED_TOO_LONG_AGO: 'CONTACTED_TOO_LONG_AGO',
  VERSION_CONFLICT: 'VERSION_CONFLICT',
  CLAIMED_BY_OTHER: 'CLAIMED_BY_OTHER',
  CLAIM_LOST: 'CLAIM_LOST',
  NOT_FOUND: 'NOT_FOUND',
  IDEMPOTENCY_MISMATCH: 'IDEMPOTENCY_MISMATCH',
  EXTERNAL_ID_TAKEN: 'EXTERNAL_ID_TAKEN',
  EXTERNAL_ID_SET: 'EXTERNAL_ID_SET',
  SAME_PATIENT: 'SAME_PATIENT',
  ALREADY_MERGED: 'ALREADY_MERGED',
  ALREADY_UNDONE: 'ALREADY_UNDONE',
  UNDO_TOO_LATE: 'UNDO_TOO_LATE',
  NOT_AUTHOR: 'NOT_AUTHOR',
  CONTACT_LATE: 'CONTACT_LATE',
  FOLLOWED: 'FOLLOWED',
  CHANGED_SINCE_MERGE: 'CHANGED_SINCE_MERGE',
  REASON_REQUIRED: 'REASON_REQUIRED',
  REASON_TOO_LONG: 'REASON_TOO_LONG',
  EXPIRY_NOT_ALLOWED: 'EXPIRY_NOT_ALLOWED',
  EXPIRY_IN_PAST: 'EXPIRY_IN_PAST',
  EXTERNAL_ID_REQUIRED: 'EXTERNAL_ID_REQUIRED',
  EXTERNAL_ID_TWICE: 'EXTERNAL_ID_TWICE',
  NAME_REQUIRED: 'NAME_REQUIRED',
  PHONE_INVALID: 'PHONE_INVALID',
  ORIGIN_INVALID: 'ORIGIN_INVALID',
  DATE_INVALID: 'DATE_INVALID',
  TEXT_TOO_LONG: 'TEXT_TOO_LONG',
  ROW_MALFORMED: 'ROW_MALFORMED',
  CELL_TOO_LONG: 'CELL_TOO_LONG',
  LINE_TOO_LONG: 'LINE_TOO_LONG',
  COLUMN_MISSING: 'COLUMN_MISSING',
  COLUMN_TWICE: 'COLUMN_TWICE',
  IMPORT_STARTED: 'IMPORT_STARTED',
  IMPORT_NOT_STARTED: 'IMPORT_NOT_STARTED',
  IMPORT_UNDONE: 'IMPORT_UNDONE',
  IMPORT_TOO_OLD: 'IMPORT_TOO_OLD',
  TEXT_INVALID: 'TEXT_INVALID',
  SLUG_INVALID: 'SLUG_INVALID',
  SLUG_TAKEN: 'SLUG_TAKEN',
  TIME_ZONE_INVALID: 'TIME_ZONE_INVALID',
  REGION_INVALID: 'REGION_INVALID',
  NAME_TAKEN: 'NAME_TAKEN',
  LADDER_INVALID: 'LADDER_INVALID',
  NUMBER_INVALID: 'NUMBER_INVALID',
  TOO_MANY_QUEUES: 'TOO_MANY_QUEUES',
  LAST_QUEUE: 'LAST_QUEUE',
  QUEUE_HAS_CLAIMS: 'QUEUE_HAS_CLAIMS',
  QUEUE_ARCHIVED: 'QUEUE_ARCHIVED',
  LAST_ADMIN: 'LAST_ADMIN',
  ROLE_NOT_ALLOWED: 'ROLE_NOT_ALLOWED',
  QUEUES_REQUIRED: 'QUEUES_REQUIRED',
  EMAIL_INVALID: 'EMAIL_INVALID',
  EMAIL_TAKEN: 'EMAIL_TAKEN',
  STAFF_RETIRED: 'STAFF_RETIRED',
  STAFF_NOT_RETIRED: 'STAFF_NOT_RETIRED',
  ALREADY_IN_GROUP: 'ALREADY_IN_GROUP',
  NOT_IN_GROUP: 'NOT_IN_GROUP',
  KEY_ENDED: 'KEY_ENDED',
};

// Longest notes of a contact, in characters.
export const MAX_NOTES = 10_000;

// How far ahead a follow-up may be.
export const MAX_FOLLOW_UP_YEARS = 2;

