// The lines of a patient's page: tasks, appointments, and who was merged into the patient.

import { button, made } from './elements.js';
import { outside } from './text.js';
import { cause, count, dateOf, dayAndClock, dayToCall, distance, today, urgency } from './words.js';
import { BOOKED, CONTACT_STATUSES } from './workflow.js';

export function taskLine(task) {
  const { id, reason, queue, assignee, externalIds } = task;
  const more = [
    urgency(task),
    queue && outside(queue.name),
    task.isOpen ? due(task) : `Closed ${dayAndClock(task.closedAt)}: ${cause(task)}`,
    assignee && `for ${outside(assignee.name)}`,
    ...externalIds.map((called) => `${outside(called.source)}: ${outside(called.id)}`),
  ];
  return line(made('a', { href: `#/tasks/${id}`, text: outside(reason) }), more.filter(Boolean).join(' · '));
}

function due(task) {
  const { statusLabel, followUp, contactCount } = task;
  const when = followUp ? `call again ${dayToCall(task)}, ${distance(followUp)}` : count(contactCount, 'attempt');
  return `${statusLabel}, ${when}`;
}

const ENDED = { CANCELLED: 'Cancelled', COMPLETED: 'Completed', MISSED: 'Missed' };

/** An appointment; `become(id, status)` says what has become of it, if the viewer may. */
export function appointmentLine({ id, at, externalId, kind, status }, become) {
  const more = [ENDED[status], kind && outside(kind), outside(externalId)].filter(Boolean).join(' · ');
  const told = made('div', {}, made('strong', { text: dayAndClock(at) }), made('span', { text: more }));
  const about = `the appointment ${dayAndClock(at)}`;
  const buttons = become ? nextSteps(at, status).map(([words, to]) => button(words, () => become(id, to), { about })) : [];
  return made('li', { class: 'merge' }, told, made('div', { class: 'steps' }, ...buttons));
}

/** What an appointment can become: only on its day, or later, has somebody come. */
function nextSteps(at, status) {
  if (status !== BOOKED) return [['Take back', BOOKED]];
  const cancel = ['Cancel', 'CANCELLED'];
  return dateOf(at) > today() ? [cancel] : [['Has come', 'COMPLETED'], ['Missed', 'MISSED'], cancel];
}

/** What has come of a change of an appointment, as a sentence. */
export function appointmentTold({ appointment, reopenedTasks, createdTasks, closedTasks }) {
  const what = ENDED[appointment.status]?.toLowerCase() ?? 'scheduled again';
  const tasks = [[reopenedTasks, 'open again'], [createdTasks, 'new'], [closedTasks, 'closed']];
  const came = tasks.filter(([of]) => of.length).map(([of, how]) => `${count(of.length, 'task')} ${how}`);
  return [`The appointment is ${what}`, ...came].join(', ').concat('.');
}

/** The others of the patient's household. */
export function membersOf({ id, household }) {
  const others = (household?.members ?? []).filter((member) => member.id !== id);
  return others.map((member) => {
    const isGuarantor = member.id === household.guarantor?.id;
    const known = [isGuarantor && 'answers for all', member.contactStatus !== 'OK' && CONTACT_STATUSES[member.contactStatus]];
    const more = [outside(member.phone), ...known].filter(Boolean).join(' · ');
    return line(made('a', { href: `#/patients/${member.id}`, text: outside(member.name) }), more);
  });
}

/** Who was merged into the patient; `undo(id)` divides them, if the viewer may. */
export function mergeLine({ id, at, by, merged, tasks, appointments }, undo) {
  const went = [tasks && count(tasks, 'task'), appointments && count(appointments, 'appointment')];
  const what = went.filter(Boolean).join(' and ') || 'Only the name and the number';
  const who = made('strong', { text: `${outside(merged.name)}, ${outside(merged.phone)}` });
  const told = made('span', { text: `${dayAndClock(at)}, by ${outside(by.name)}. ${what} came over.` });
  const about = `the merge of ${outside(merged.name)}`;
  return made('li', { class: 'merge' }, made('div', {}, who, told), undo && button('Undo', () => undo(id), { about }));
}

const line = (head, more) => made('li', {}, head, made('span', { text: more }));
