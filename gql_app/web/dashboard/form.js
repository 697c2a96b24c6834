// How the dialog of a contact looks: the task, the date and what may be chosen for it, and the past.

import { lastFollowUp } from './rules.js';
import { outside, write } from './text.js';
import { OUTCOMES, addDays, count, distance, lastDay, shortDate, today, until, when } from './words.js';

const part = (element, name) => element.querySelector(`[data-part=${name}]`);

/** A new element with a text. */
export function made(name, text = '') {
  const element = document.createElement(name);
  write(element, text);
  return element;
}

export function drawFacts(dialog, task) {
  const texts = {
    patient: outside(task.patient.name),
    reason: outside(task.reason),
    queue: outside(task.queue?.name),
    assignee: task.assignee ? `For ${outside(task.assignee.name)}` : '',
    status: task.statusLabel,
    attempts: count(task.contactCount, 'attempt'),
    due: task.followUp ? `Follow-up ${shortDate(task.followUp)}, ${distance(task.followUp)}` : '',
    expires: task.isOpen && task.expiresAt ? `Expires ${until(task.expiresAt)}` : '',
  };
  for (const [name, text] of Object.entries(texts)) write(part(dialog, name), text);
  const phone = part(dialog, 'phone');
  write(phone, outside(task.patient.phone));
  const [dialled] = task.patient.phones;
  if (dialled) phone.href = dialled.href;
  else phone.removeAttribute('href');
}

/** The date's bounds, the buttons that set it, and what is to be said of it and of the notes. */
export function drawDate(form, fields, task, suggested) {
  const input = form.elements.followUp;
  input.disabled = fields.outcome === 'SCHEDULED';
  input.min = today();
  const last = lastDay(task);
  input.max = last && last < lastFollowUp() ? last : lastFollowUp();
  const offers = [
    ['Tomorrow', addDays(today(), 1)],
    ['In 7 days', addDays(today(), 7)],
  ];
  if (suggested && suggested !== fields.followUp) {
    offers.unshift([`Suggested: ${shortDate(suggested)}`, suggested]);
  }
  if (fields.followUp) offers.push(['Clear date', '']);
  offer(part(form, 'quick'), input, offers);
  const hint = input.disabled
    ? 'None: Scheduled closes the task.'
    : !fields.followUp
      ? 'Log Contact needs one.'
      : fields.suggested
        ? `${shortDate(fields.followUp)}, as suggested; dropped if you close the task.`
        : `${shortDate(fields.followUp)}, ${distance(fields.followUp)}.`;
  write(part(form, 'date-hint'), hint);
  const isReasonDue = fields.outcome === 'DID_NOT_SCHEDULE';
  write(part(form, 'notes-hint'), isReasonDue ? 'Log Contact needs the reason.' : 'Optional.');
}

function offer(place, input, offers) {
  const buttons = offers.map(([label, date]) => {
    const button = made('button', label);
    button.type = 'button';
    button.dataset.date = date;
    button.disabled = input.disabled || (date !== '' && date > input.max);
    return button;
  });
  const look = (button) => `${button.textContent}|${button.dataset.date}|${button.disabled}`;
  if ([...place.children].map(look).join() === buttons.map(look).join()) return;
  const hadFocus = place.contains(document.activeElement);
  place.replaceChildren(...buttons);
  if (hadFocus) input.focus();
}

export function drawHistory(dialog, contacts) {
  const items = contacts.map((contact) => {
    const item = made('li');
    const again = contact.followUp ? `, again ${shortDate(contact.followUp)}` : '';
    item.append(
      made('strong', OUTCOMES[contact.outcome] + (contact.closedTask ? ', closed' : again)),
      made('span', `${when(contact.contactedAt)} · ${outside(contact.loggedBy.name)}`),
    );
    if (contact.notes) item.append(made('p', outside(contact.notes)));
    return item;
  });
  part(dialog, 'history').replaceChildren(...items);
  part(dialog, 'no-history').hidden = items.length > 0;
}
