// What has happened with a patient: contacts and postponements.

import { made } from './form.js';
import { outside } from './text.js';
import { dayAndClock, dayToCall, shortDate } from './words.js';
import { OUTCOMES } from './workflow.js';

/** Contacts, latest first, and between them when `task` was postponed; with contacts of other tasks, which
 *  task it was. `onUndo(contact)`, if it is given, takes the last one back that stands on the task. */
export function drawHistory(list, contacts, task, { postponements = [], onUndo = null } = {}) {
  const known = new Map([...list.children].map((item) => [item.dataset.id, item]));
  const last = onUndo && contacts.find((contact) => !contact.undo && contact.task?.id === task.id);
  const look = (one) => one.id + (one.undo ? ' undone' : one === last ? ' last' : '');
  const past = postponements.map((one) => ({ ...one, id: `postponed ${one.at}` }));
  const moment = ({ at, contactedAt }) => Date.parse(at ?? contactedAt);
  const all = past.length ? [...contacts, ...past].sort((a, b) => moment(b) - moment(a)) : contacts;
  const items = all.map((one) => {
    const there = known.get(look(one));
    if (there) return there;
    const item = one.at ? drawPostponement(one) : drawContact(one, task);
    item.dataset.id = look(one);
    if (one === last) item.append(undoButton(one, onUndo));
    return item;
  });
  if (items.length === known.size && items.every((item, i) => item === list.children[i])) return;
  list.replaceChildren(...items);
}

function drawPostponement({ at, followUp, givenReason, by }) {
  const item = made('li');
  item.append(
    made('strong', `Postponed to ${shortDate(followUp)}`),
    made('span', `${dayAndClock(at)} · ${outside(by.name)}`),
  );
  if (givenReason) item.append(made('p', outside(givenReason)));
  return item;
}

function drawContact(contact, task) {
  const item = made('li');
  const { undo } = contact;
  const again = contact.followUp ? `, call again ${dayToCall(contact)}` : '';
  const what = made('strong');
  what.append(made(undo ? 'del' : 'span', (contact.incoming ? 'Called us: ' : '') + OUTCOMES[contact.outcome] + (contact.closedTask ? ', closed' : again)));
  item.append(what, made('span', `${dayAndClock(contact.contactedAt)} · ${outside(contact.loggedBy.name)}`));
  if (undo) {
    const why = undo.reason ? `: ${outside(undo.reason)}` : '';
    item.append(made('span', `Undone ${dayAndClock(undo.at)} by ${outside(undo.by.name)}${why}`));
  }
  if (contact.task && contact.task.id !== task.id) item.append(made('span', `For: ${named(contact.task)}`));
  if (contact.notes) item.append(made('p', outside(contact.notes)));
  return item;
}

function undoButton(contact, onUndo) {
  const button = made('button', 'Undo …');
  button.type = 'button';
  button.setAttribute('aria-label', `Undo … ${OUTCOMES[contact.outcome]}`);
  button.addEventListener('click', () => onUndo(contact));
  return button;
}

const named = ({ reason, queue }) => `${outside(reason)} · ${outside(queue.name)}`;
