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
  DO_NOT_CONTACT: 'Do not contact',
  MAX_ATTEMPTS: 'Max attempts',
};

// Whether a patient may be called, as people read it.
export const CONTACT_STATUSES = {
  OK: 'May be called',
  DO_NOT_CONTACT: 'Asked not to be called',
  INACTIVE: 'No longer a patient',
  DECEASED: 'Deceased',
};

// The status of an appointment that is to come.
export const BOOKED = 'SCHEDULED';

// Codes of refusals that the page has to know.
export const CODES = {
  FOLLOW_UP_IN_PAST: 'FOLLOW_UP_IN_PAST',
  FOLLOW_UP_AFTER_EXPIRY: 'FOLLOW_UP_AFTER_EXPIRY',
  FOLLOW_UP_TOO_FAR: 'FOLLOW_UP_TOO_FAR',
  TASK_CLOSED: 'TASK_CLOSED',
  VERSION_CONFLICT: 'VERSION_CONFLICT',
  CLAIMED_BY_OTHER: 'CLAIMED_BY_OTHER',
};

// Longest notes of a contact, in characters.
export const MAX_NOTES = 10_000;

// How far ahead a follow-up may be.
export const MAX_FOLLOW_UP_YEARS = 2;

