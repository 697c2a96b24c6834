// One attempt to log a contact. The same form sent once more, because no answer came, is the same
// attempt: under its key it is logged once, also after a reload.

import { newKey } from './claim.js';

/** What to send: `before` again if it was the same. */
export function attemptOf(before, fields, close, { id, version }) {
  const { outcome, followUp, notes } = fields;
  const date = close ? null : followUp;
  const { followUpTime, callBackBy } = fields;
  const callBack = date && followUpTime ? { followUpTime, callBackBy } : {};
  const sent = JSON.stringify([outcome, date, notes, close, callBack]);
  if (before?.sent === sent) return before;
  const text = notes.trim() ? notes : null;
  const asked = { taskId: id, outcome, followUp: date, notes: text, close, ...callBack };
  return { sent, variables: { ...asked, expectedVersion: version, idempotencyKey: newKey() } };
}
