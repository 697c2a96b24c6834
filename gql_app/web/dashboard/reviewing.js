// A task that waits for a supervisor, since its patient was called as often as its queue allows.

import { graphql } from './api.js';
import { RESUME } from './documents.js';
import { made } from './form.js';
import { refill } from './text.js';
import { count } from './words.js';

/** Say so in the dialog of a contact, and let a supervisor end it. */
export function drawReview(dialog) {
  const { task, viewer } = dialog;
  const place = dialog.part('review');
  place.hidden = !task?.reviewSince;
  if (place.hidden) return;
  const words = `Called often enough for this queue: ${count(task.contactCount, 'contact')}. A supervisor says how to go on. `;
  const lines = viewer.mayCorrect ? [words, 'Call once more'] : [words];
  refill(place, lines, (line) => (line === words ? made('span', line) : toResume(dialog, line)));
}

function toResume(dialog, words) {
  const button = made('button', words);
  button.type = 'button';
  button.addEventListener('click', () => resume(dialog, button));
  return button;
}

/** On the date in the form, or else on the one that the task has. */
async function resume(dialog, button) {
  const { task, fields } = dialog;
  button.disabled = true;
  try {
    const variables = { id: task.id, followUp: fields.followUp || null, version: task.version };
    const answer = (await graphql(RESUME, variables)).resumeTask;
    if (dialog.task?.id !== task.id) return;
    dialog.notices.refuse('log', answer.errors, 'It still waits.');
    if (answer.task) dialog.learn(answer.task);
    if (!answer.errors.length) dialog.focus(); // the button goes away
  } catch (error) {
    dialog.trouble('log', error, task.id);
  }
  button.disabled = false;
}
