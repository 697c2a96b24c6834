// What has happened with a patient: contacts, postponements, and other tasks that are open.

import { made } from './form.js';
import { outside } from './text.js';
import { count, dayAndClock, distance, shortDate } from './words.js';
import { OUTCOMES } from './workflow.js';

/** Contacts, latest first, and between them when `task` was postponed; with contacts of other tasks, which
 *  task it was. */
export function drawHistory(list, contacts, task, postponements = []) {
  const known = new Map([...list.children].map((item) => [item.dataset.id, item]));
  const past = postponements.map((one) => ({ ...one, id: `postponed ${one.at}` }));
  const moment = ({ at, contactedAt }) => Date.parse(at ?? contactedAt);
  const all = past.length ? [...contacts, ...past].sort((a, b) => moment(b) - moment(a)) : contacts;
  const items = all.map((one) => known.get(one.id) ?? (one.at ? drawPostponement(one) : drawContact(one, task)));
  if (items.length === known.size && items.every((item, i) => item === list.children[i])) return;
  list.replaceChildren(...items);
}

function drawPostponement({ id, at, followUp, givenReason, by }) {
  const item = made('li');
  item.dataset.id = id;
  item.append(
    made('strong', `Postponed to ${shortDate(followUp)}`),
    made('span', `${dayAndClock(at)} · ${outside(by.name)}`),
  );
  if (givenReason) item.append(made('p', outside(givenReason)));
  return item;
}

function drawContact(contact, task) {
  const item = made('li');
  item.dataset.id = contact.id;
  const again = contact.followUp ? `, call again ${shortDate(contact.followUp)}` : '';
  item.append(
    made('strong', OUTCOMES[contact.outcome] + (contact.closedTask ? ', closed' : again)),
    made('span', `${dayAndClock(contact.contactedAt)} · ${outside(contact.loggedBy.name)}`),
  );
  if (contact.task && contact.task.id !== task.id) item.append(made('span', `For: ${named(contact.task)}`));
  if (contact.notes) item.append(made('p', outside(contact.notes)));
  return item;
}

const named = ({ reason, queue }) => `${outside(reason)} · ${outside(queue.name)}`;

/** The patient's other open tasks. */
export function drawOthers(list, tasks) {
  const items = tasks.map((task) => {
    const item = made('li');
    const due = task.followUp
      ? `Follow-up ${shortDate(task.followUp)}, ${distance(task.followUp)}`
      : count(task.contactCount, 'attempt');
    const assignee = task.assignee ? ` · For ${outside(task.assignee.name)}` : '';
    item.append(made('strong', outside(task.reason)), made('span', `${outside(task.queue.name)} · ${due}${assignee}`));
    return item;
  });
  list.replaceChildren(...items);
}
