// A task that waits for a supervisor, since its patient was called as often as its queue allows.

import { graphql } from './api.js';
import { RESUME } from './documents.js';
import { made } from './form.js';
import { outside } from './text.js';
import { count } from './words.js';

/** Say so in the dialog of a contact, and let a supervisor end it. */
export function drawReview(dialog) {
  const { task, viewer } = dialog;
  const place = dialog.part('review');
  place.hidden = !task?.reviewSince;
  if (place.hidden || place.dataset.of === task.id) return;
  place.dataset.of = task.id;
  const words = `Called often enough for this queue: ${count(task.contactCount, 'contact')}. A supervisor says how to go on. `;
  place.replaceChildren(made('span', words));
  if (!viewer.mayCorrect) return;
  const button = made('button', 'Call once more');
  button.type = 'button';
  button.addEventListener('click', () => resume(dialog, button));
  place.append(button);
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
