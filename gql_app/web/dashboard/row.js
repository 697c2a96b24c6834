// A row of the list, written into its element.

import { OUTCOMES, count, distance, shortDate, today, until, when } from './words.js';

const assigned = ({ assignee }) => (assignee ? `For ${assignee.name}` : '');

/** Write what is new of a task into its row; `store` says who calls. */
export function fill(element, task, store) {
  const caller = store.otherCaller(task);
  const isLate = task.isOpen && task.followUp !== null && task.followUp < today();
  const last = task.lastContact;
  const texts = {
    status: task.statusLabel,
    claim: caller ? `With ${caller}` : task.claim ? 'With you' : assigned(task),
    patient: task.patient.name,
    phone: task.patient.phone,
    reason: task.reason,
    queue: task.queue.name,
    follow: task.followUp ? shortDate(task.followUp) : '–',
    distance: task.followUp ? distance(task.followUp) : '',
    outcome: last ? OUTCOMES[last.outcome] : '–',
    called: count(task.contactCount, 'attempt') + (last ? `, ${when(last.contactedAt)}` : ''),
    expires: task.isOpen && task.expiresAt ? until(task.expiresAt) : '–',
  };
  for (const [name, text] of Object.entries(texts)) {
    const part = element.querySelector(`[data-part=${name}]`);
    if (part.textContent !== text) part.textContent = text;
  }
  element.dataset.status = task.status;
  element.classList.toggle('late', isLate);
  element.classList.toggle('claimed', texts.claim !== '');
  element.classList.toggle('taken', caller !== null);
  element.title = `${task.patient.name}: ${task.reason}`;
  if (element.dataset.version && element.dataset.version !== String(task.version)) {
    element.classList.remove('news');
    void element.offsetWidth; // so that the animation begins again
    element.classList.add('news');
  }
  element.dataset.version = task.version;
}
