// What the page of the group asks the server, of each practice: figures, and nothing of a patient.

import { OUTCOME_COUNTS } from './workflow.js';

export const GROUP = `{ viewer { group { name practices { id slug name isHome } } } }`;

const COUNTS = `fragment Counts on QueueCounts {
  open notContacted inProgress dueToday overdue closedToday needsReview queue { id }
}`;

// Events are there for their cursor, and because the contacts of today are others after one.
export const FIGURES_FEED = `subscription ($after: String) {
  queueFeed(after: $after) {
    __typename
    ... on QueueSnapshot { cursor queues { queue { id } counts { ...Counts } } }
    ... on TaskEvent { cursor kind }
    ... on QueueCounts { ...Counts }
    ... on QueuesChanged { cursor practice { timeZone } queues { id } }
    ... on Heartbeat { cursor }
  }
}
${COUNTS}`;

export const ZONE = `{ viewer { practice { timeZone } } }`;

export const CONTACTS = `query ($day: Date!) {
  activity(from: $day, to: $day, bucket: DAY) {
    total { contacts { ${Object.keys(OUTCOME_COUNTS).join(' ')} total } }
  }
}`;
