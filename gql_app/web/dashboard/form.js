// How the dialog of a contact looks: the task, what may be chosen for it, how it ended, and the past.

import { lastFollowUp, lengthOf, takesDate } from './rules.js';
import { outside, refill, write } from './text.js';
import { addDays, callsBack, cause, count, dayAndClock, dayToCall, distance, lastDay, shortDate, today, until, urgency } from './words.js';
import { CONTACT_STATUSES, MAX_NOTES, NEEDS, OUTCOMES } from './workflow.js';

const NEARLY_FULL = 1_000; // characters from which on they are counted

const part = (element, name) => element.querySelector(`[data-part=${name}]`);

/** A new element with a text. */
export function made(name, text = '') {
  const element = document.createElement(name);
  write(element, text);
  return element;
}

/** The choice of outcomes. */
export function drawOutcomes(dialog) {
  const labels = Object.entries(OUTCOMES).map(([outcome, words]) => {
    const label = made('label');
    const input = document.createElement('input');
    Object.assign(input, { type: 'radio', name: 'outcome', value: outcome });
    label.append(input, ` ${words}`);
    return label;
  });
  part(dialog, 'outcomes').append(...labels);
  const said = Object.entries(CONTACT_STATUSES).map(([status, words]) =>
    status === 'OK' ? new Option('May be called again', '') : new Option(words, status));
  dialog.querySelector('#contactStatus').append(...said);
}

export function drawFacts(dialog, task) {
  const texts = {
    patient: outside(task.patient.name),
    standing: standing(task.patient),
    reason: outside(task.reason),
    queue: outside(task.queue?.name),
    assignee: task.assignee ? `For ${outside(task.assignee.name)}` : '',
    status: task.statusLabel,
    priority: urgency(task),
    attempts: count(task.contactCount, 'attempt'),
    due: task.followUp ? `Follow-up ${dayToCall(task)}, ${distance(task.followUp)}` : '',
    'call-back': callsBack(task),
    expires: task.isOpen && task.expiresAt ? `Expires ${until(task.expiresAt)}` : '',
  };
  for (const [name, text] of Object.entries(texts)) write(part(dialog, name), text);
  const phone = part(dialog, 'phone');
  const { phones } = task.patient;
  const dialled = phones.find(({ isWrong }) => !isWrong);
  const known = phones.length ? 'No number is right' : outside(task.patient.phone);
  write(phone, dialled ? outside(dialled.display) : known);
  part(dialog, 'to-patient').href = `#/patients/${task.patient.id}`;
  part(dialog, 'wrong-number').hidden = !dialled;
  drawReach(dialog, task.patient);
  if (dialled) phone.href = dialled.href;
  else phone.removeAttribute('href');
  drawScript(dialog, task);
}

/** Of most patients there is no more to say than one number. */
async function drawReach(dialog, patient) {
  const place = part(dialog, 'reach');
  place.patient = patient;
  const { phones, language, callerNote } = patient;
  place.hidden = !(phones.length > 1 || phones.some(({ isWrong }) => isWrong) || language || callerNote);
  if (place.hidden) return place.replaceChildren();
  const { drawReach: fillIn } = await import('./reach.js');
  if (place.patient === patient) fillIn(place, patient);
}

/** That the patient is not to be called, if so. */
export const standing = ({ contactStatus }) => (contactStatus === 'OK' ? '' : CONTACT_STATUSES[contactStatus]);

/** What the caller says, of the task's queue. Few queues have a script, so it is loaded then. */
async function drawScript(dialog, task) {
  const script = (task.isOpen && task.queue?.script) || '';
  part(dialog, 'script').hidden = !script;
  if (!script) return;
  const { rendered } = await import('./markdown.js');
  refill(part(dialog, 'script-text'), [script], (text) => rendered(text));
}

/** Nothing of a task stays in the page once its dialog is closed. */
export function wipe(dialog) {
  dialog.querySelector('form').reset();
  const written = '.top h2, [data-part=phone], .facts li, .notice strong, .notice ul, [data-part=rests], [data-part=review], [data-part=hours], .record dl, [data-part=unsent-text]';
  for (const element of dialog.querySelectorAll(written)) write(element, '');
  part(dialog, 'phone').removeAttribute('href');
  part(dialog, 'reach').patient = null;
  part(dialog, 'reach').replaceChildren();
}

/** Put into the form what was typed before. */
export function fill(form, { outcome, notes, contactStatus, incoming, ...dates }) {
  form.reset();
  form.elements.incoming.checked = incoming ?? false;
  for (const input of form.elements.outcome) input.checked = input.value === outcome;
  for (const name of ['followUp', 'followUpTime', 'callBackBy']) form.elements[name].value = dates[name];
  form.elements.notes.value = notes;
  form.elements.contactStatus.value = contactStatus ?? '';
}

/** The two buttons, and why each cannot be pressed, or what it does to the `others`, if there are any. */
export function drawButtons(dialog, { followUp, contactStatus }, why, others) {
  const hint = contactStatus ? 'Ends all open tasks of this patient.' : followUp ? 'The follow-up date is dropped.' : '';
  const hints = { log: '', close: hint };
  for (const [name, hint] of Object.entries(hints)) {
    part(dialog, name).disabled = why[name] !== null;
    write(part(dialog, `why-${name}`), why[name] ?? [others?.hint(name), hint].filter(Boolean).join(' '));
  }
}

/** The date's bounds, the buttons that set it, and what becomes of it. */
export function drawDate(form, fields, task, suggested) {
  const input = form.elements.followUp;
  input.disabled = !takesDate(fields.outcome);
  input.classList.toggle('dropped', input.disabled && fields.followUp !== '');
  const last = lastDay(task);
  bound(input, today(), last && last < lastFollowUp() ? last : lastFollowUp());
  const offers = [
    ['Tomorrow', addDays(today(), 1)],
    ['In 7 days', addDays(today(), 7)],
  ];
  if (suggested && suggested !== fields.followUp) {
    offers.unshift([`Suggested: ${shortDate(suggested)}`, suggested]);
  }
  if (fields.followUp) offers.push(['Clear date', '']);
  offer(part(form, 'quick'), input, input.disabled ? [] : offers);
  write(part(form, 'date-hint'), dateHint(fields));
  drawCallBack(form, fields);
}

/** The call-back on that date: what can be chosen, and what comes of it. The server knows which times there are. */
function drawCallBack(form, { outcome, followUp, followUpTime, callBackBy }) {
  const { followUpTime: time, callBackBy: by } = form.elements;
  time.disabled = !takesDate(outcome);
  by.disabled = time.disabled || !followUpTime;
  const who = callBackBy === 'ME' ? 'You are offered the call first, after 3 minutes anyone.' : 'Whoever is free then is offered the call first.';
  const hint = !followUpTime ? 'Only if you have promised a time.' : followUp ? who : 'Choose the date, too.';
  write(part(form, 'time-hint'), time.disabled ? '' : hint);
}

/** Only when they change: to set a bound of a date anew ends the typing of it after one digit of the year. */
function bound(input, min, max) {
  if (input.min !== min) input.min = min;
  if (input.max !== max) input.max = max;
}

function dateHint({ outcome, followUp, suggested }) {
  const date = followUp && `${shortDate(followUp)}, ${suggested ? 'as suggested' : distance(followUp)}`;
  if (takesDate(outcome)) return date ? `${date}.` : 'Log Contact needs one.';
  const closes = `${OUTCOMES[outcome]} closes the task.`;
  return date ? `${shortDate(followUp)} is dropped: ${closes}` : `None: ${closes}`;
}

/** What is to be said of the notes, and how long they are once that matters. */
export function drawNotes(form, { outcome, notes }) {
  const length = lengthOf(notes);
  const isTooLong = length > MAX_NOTES;
  const shown = (n) => n.toLocaleString('en-US');
  const hint = NEEDS.log[outcome]?.notes ? 'Log Contact needs the reason.' : 'Optional.';
  const counted = `${shown(length)} of ${shown(MAX_NOTES)} characters`;
  const over = isTooLong ? `: ${shown(length - MAX_NOTES)} too many.` : '.';
  write(part(form, 'notes-hint'), length < NEARLY_FULL ? hint : counted + over);
  part(form, 'notes-hint').classList.toggle('error', isTooLong);
  form.elements.notes.setAttribute('aria-invalid', isTooLong);
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

/** A task on which nothing can be logged: how it ended, or stands. `ending` says who closed it and what
 *  was noted, once that is known; `draft` is what was typed before it was closed. */
export function drawRecord(dialog, task, ending, draft) {
  const last = task.lastContact;
  const lines = [
    ['Closed', task.closedAt && dayAndClock(task.closedAt)],
    ['Why', task.closeCause && cause({ ...task, ...ending })],
    ['By', outside(ending?.closedBy?.name) || (task.closeCause === 'EXPIRED' && 'the clock')],
    ['Last outcome', last ? OUTCOMES[last.outcome] : 'None'],
    ['Called', last && dayAndClock(last.contactedAt)],
    ['Logged by', task.closeCause !== 'CONTACT' && outside(ending?.lastContact?.loggedBy.name)],
    ['Notes', outside(ending?.lastContact?.notes)],
  ].filter(([, text]) => text);
  refill(part(dialog, 'record-facts'), lines, ([name, text]) => [made('dt', name), made('dd', text)]);
  write(part(dialog, 'record-title'), task.isOpen ? 'Last contact' : 'How it ended');
  write(part(dialog, 'why-record'), task.isOpen ? 'Your key may not log contacts.' : '');
  const said = CONTACT_STATUSES[draft.contactStatus];
  const unsent = [OUTCOMES[draft.outcome], said, outside(draft.notes.trim())].filter(Boolean).join('\n');
  part(dialog, 'unsent').hidden = !unsent;
  write(part(dialog, 'unsent-text'), unsent);
}
