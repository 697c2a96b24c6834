// A row of the list, written into its element.

import { outside, write } from './text.js';
import { callsBack, closing, count, distance, shortDate, today, until, when, withTime } from './words.js';
import { OUTCOMES } from './workflow.js';

const MARKS = { HIGH: 'High: ', LOW: 'Low: ' };

const assigned = ({ assignee }) => (assignee ? `For ${outside(assignee.name)}` : '');

/** When to call again; of a closed task when, why and by whom it was closed. */
function dates(task) {
  if (!task.isOpen) return { follow: when(task.closedAt), distance: closing(task) };
  if (!task.followUp) return { follow: '–', distance: '' };
  if (task.isCallBackDue) return { follow: 'Call back', distance: `since ${when(task.followUpAt)}` };
  return { follow: shortDate(task.followUp), distance: withTime(distance(task.followUp), task) };
}

/** Write what is new of a task into its row; `store` says who calls. */
export function fill(element, task, store) {
  const caller = store.otherCaller(task);
  const isLate = task.isOpen && task.followUp !== null && task.followUp < today();
  const last = task.lastContact;
  const texts = {
    status: task.statusLabel,
    claim: caller ? `With ${outside(caller)}` : task.claim ? 'With you' : task.reviewSince ? 'Needs review' : callsBack(task) || assigned(task),
    patient: outside(task.patient.name),
    phone: outside(task.patient.phone),
    reason: (MARKS[task.priority] ?? '') + outside(task.reason),
    queue: outside(task.queue.name),
    ...dates(task),
    outcome: last ? OUTCOMES[last.outcome] : '–',
    called: count(task.contactCount, 'attempt') + (last ? `, ${when(last.contactedAt)}` : ''),
    expires: task.isOpen && task.expiresAt ? until(task.expiresAt) : '–',
  };
  for (const [name, text] of Object.entries(texts)) {
    write(element.querySelector(`[data-part=${name}]`), text);
  }
  element.dataset.status = task.status;
  element.dataset.priority = task.priority;
  element.classList.toggle('late', isLate);
  element.classList.toggle('call-back', task.isCallBackDue);
  element.classList.toggle('claimed', texts.claim !== '');
  element.classList.toggle('taken', caller !== null);
  element.title = task.isOpen
    ? `${texts.patient}: ${texts.reason}`
    : `${texts.patient}: ${texts.reason} (${texts.follow}: ${texts.distance})`;
  if (element.dataset.version && element.dataset.version !== String(task.version)) {
    element.classList.remove('news');
    void element.offsetWidth; // so that the animation begins again
    element.classList.add('news');
  }
  element.dataset.version = task.version;
}
