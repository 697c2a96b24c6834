// An attempt to log a contact. The same form sent once more, because no answer came, is the same attempt: under
// its key it is logged once, also after a reload. It is loaded when a task is opened, before it is needed.

import { graphql } from './api.js';
import { newKey } from './claim.js';
import { LOG } from './documents.js';
import { logged } from './words.js';

/** Log what is in the dialog, by the button that closes or by the other one. */
export async function send(dialog, close) {
  const { id } = dialog.task;
  dialog.attempt = next(dialog, close);
  dialog.isSending = true;
  dialog.notices.begin(dialog.task);
  dialog.others?.refuse([]);
  dialog.keep(); // the attempt as well: a reload may come before the answer
  let answer;
  try {
    answer = (await graphql(LOG, dialog.attempt.variables)).logContact;
  } catch (error) {
    if (dialog.task?.id === id) dialog.isSending = false;
    dialog.trouble('log', error, id);
    const known = dialog.task?.id === id && dialog.store.tasks.get(id); // what was heard meanwhile
    if (known) dialog.changed({ task: known });
    return;
  }
  if (answer.errors.length) refused(dialog, id, answer);
  else done(dialog, id, answer);
}

/** What is to be sent: the last attempt again if it was the same. What has become of the other tasks makes no
 *  difference to that: it may be that attempt which has changed them. */
function next(dialog, close) {
  const { attempt, fields, task } = dialog;
  const sent = typed(fields, close);
  if (attempt?.sent === sent) return attempt;
  const asked = { taskId: task.id, outcome: fields.outcome, followUp: close ? null : fields.followUp, close };
  const others = othersOf(dialog, close);
  if (others.length) asked.others = others;
  Object.assign(asked, callBack(fields, close));
  if (fields.contactStatus) asked.contactStatus = fields.contactStatus;
  if (fields.incoming) asked.incoming = true;
  const more = { notes: noted(fields.notes), expectedVersion: task.version, idempotencyKey: newKey() };
  return { sent, variables: { ...asked, ...more } };
}

/** On which other tasks, and how, a button logs. */
export function othersOf({ attempt, fields, others }, close) {
  if (attempt?.sent === typed(fields, close)) return attempt.variables.others ?? [];
  return others?.asked(close) ?? [];
}

/** What the agent has typed and chosen. */
function typed(fields, close) {
  const { outcome, followUp, notes, contactStatus, incoming, others = {} } = fields;
  const chosen = Object.entries(others).filter(([, { choice }]) => choice); // none: as it is without one
  return JSON.stringify([outcome, close ? null : followUp, notes, close, contactStatus, incoming, callBack(fields, close), ...chosen]);
}

/** What is promised with a follow-up date. */
const callBack = ({ followUp, followUpTime, callBackBy }, close) =>
  !close && followUp && followUpTime ? { followUpTime, callBackBy } : {};

export const noted = (notes) => (notes.trim() ? notes : null);

function done(dialog, id, { task, contact, others }) {
  dialog.drafts.drop(id);
  dialog.claims.done(id);
  dialog.store.put(task);
  if (dialog.task?.id === id) dialog.element.close();
  // What was said of being called stays: to undo the contacts alone would be refused.
  const mayUndo = task.patient.contactStatus === 'OK';
  dialog.onLogged(logged(task, others.length), mayUndo ? [contact, ...others.map((other) => other.contact)] : []);
}

function refused(dialog, id, { task, errors }) {
  dialog.drafts.put(id, { ...dialog.drafts.get(id), attempt: null }); // what is sent next is another
  if (dialog.task?.id !== id) return dialog.onError(new Error(`Not logged. ${errors[0].message}`));
  const sent = dialog.attempt.variables.others;
  Object.assign(dialog, { attempt: null, isSending: false });
  const rest = dialog.others?.refuse(errors, sent) ?? errors;
  dialog.notices.refuse('log', rest, 'Not logged. What you typed is kept.');
  if (task) {
    dialog.learn(task);
    dialog.claims.compare({ task });
  }
  dialog.draw();
}
