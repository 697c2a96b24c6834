// Words, dates and times as people read them. Dates are the practice's own, "YYYY-MM-DD".

import { now } from './clock.js';
import { outside } from './text.js';
import { CAUSES, CODES, CONTACT_STATUSES, OUTCOMES } from './workflow.js';

const DAY = 86_400_000;
const HOUR = DAY / 24;
let zone = 'UTC';
let dayOf;
let clockOf;

/** Dates and times are those of `timeZone` from here on. */
export function setZone(timeZone) {
  zone = timeZone;
  dayOf = new Intl.DateTimeFormat('en-CA', { timeZone: zone }); // YYYY-MM-DD
  clockOf = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeStyle: 'short' });
}
setZone(zone);

export const today = () => dayOf.format(now());
export const dateOf = (moment) => dayOf.format(new Date(moment));
export const clock = (moment) => clockOf.format(new Date(moment));
export const addDays = (date, days) =>
  new Date(Date.parse(date) + days * DAY).toISOString().slice(0, 10);
const daysBetween = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / DAY);

export function shortDate(date) {
  const near = date.slice(0, 4) === today().slice(0, 4);
  const more = near ? { weekday: 'short' } : { year: 'numeric' };
  const form = { ...more, month: 'short', day: 'numeric', timeZone: 'UTC' };
  return new Date(date).toLocaleDateString('en-US', form);
}

export const count = (n, one, many = `${one}s`) => `${n.toLocaleString('en-US')} ${n === 1 ? one : many}`;

/** The time of a call-back; with its zone where the clocks show it twice, because they go back. */
function timeToCall(moment) {
  const at = Date.parse(moment);
  const isTwice = [at - HOUR, at + HOUR].some((other) => clock(other) === clock(at));
  const form = { timeZone: zone, hour: 'numeric', minute: '2-digit', timeZoneName: 'short' };
  return isTwice ? new Date(at).toLocaleTimeString('en-US', form) : clock(at);
}

/** Adds to a text about a follow-up date the time that was promised, if one was. */
export const withTime = (text, { followUpAt }) => (followUpAt ? `${text}, ${timeToCall(followUpAt)}` : text);

/** The day of a follow-up, with the time that was promised. */
export const dayToCall = (one) => withTime(shortDate(one.followUp), one);

/** Who has promised to call back. */
export const callsBack = ({ callBackBy }) => (callBackBy ? `${outside(callBackBy.name)} calls back` : '');

/** How far `date` is: "3 days overdue", "today", "in 5 days". */
export function distance(date) {
  const days = daysBetween(today(), date);
  if (days < 0) return `${count(-days, 'day')} overdue`;
  return ['today', 'tomorrow'][days] ?? `in ${days} days`;
}

/** A moment, as short as it can be told: a time today, else a date. */
export function when(moment) {
  const date = dateOf(moment);
  return date === today() ? clock(moment) : shortDate(date).replace(/^\w+, /, '');
}

/** A moment in full: a time today, else a date with its time. */
export function dayAndClock(moment) {
  const date = dateOf(moment);
  return date === today() ? clock(moment) : `${shortDate(date)}, ${clock(moment)}`;
}

/** The appointment of a patient that comes next, as a sentence. */
export const nextAppointment = ({ at, kind }) => `Next appointment: ${dayAndClock(at)}${kind ? ` (${outside(kind)})` : ''}.`;

/** How long until `moment`: "in 12 min", "in 3 h", a date. */
export function until(moment) {
  const minutes = Math.ceil((Date.parse(moment) - now()) / 60_000);
  if (minutes <= 0) return 'now';
  if (minutes < 60) return `in ${minutes} min`;
  if (minutes < 24 * 60) return `in ${Math.floor(minutes / 60)} h`;
  return shortDate(dateOf(moment));
}

export function age(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** The last date on which a task that expires is there, or null: at midnight it is the day before. */
export const lastDay = (task) =>
  task.expiresAt && dateOf(Date.parse(task.expiresAt) - 1);

/** Whether somebody who was called at `moment` is not to be called again yet: null hours are for the rest of
 *  that day. */
export const rests = (moment, hours) =>
  hours === null ? dateOf(moment) === today() : now() < Date.parse(moment) + hours * 3_600_000;

/** Why there is no next task, and when there will be one. */
export function nothingNext({ reason, nextAt }) {
  if (!nextAt) return reason;
  const date = dateOf(nextAt);
  const beginsDay = dateOf(Date.parse(nextAt) - 1) !== date;
  const day = { [today()]: 'today', [addDays(today(), 1)]: 'tomorrow' }[date] ?? `on ${shortDate(date)}`;
  return `${reason} The next task comes ${beginsDay ? day : `${day} at ${clock(nextAt)}`}.`;
}

/** How urgent a task is, where it is not as most are. */
export const urgency = ({ priority }) => ({ HIGH: 'High priority', LOW: 'Low priority' })[priority] ?? '';

/** A label as it stands inside a sentence. */
const inside = (label) => label[0].toLowerCase() + label.slice(1);

/** Who has claimed a task's patient, and for how long. */
export const calling = (caller, { claim }) => `${outside(caller)} has claimed this patient until ${clock(claim.until)}.`;

/** Why a closed task was closed, and by whom. */
export function closing({ closeCause, closedBy, withdrawnReason }) {
  const why = closeCause === 'CONTACT' ? 'Closed' : CAUSES[closeCause];
  const by = closedBy ? ` by ${outside(closedBy.name)}` : '';
  return why + by + (withdrawnReason ? `: ${outside(withdrawnReason)}` : '');
}

/** What an event of the feed did, in a few words. */
export function happening({ kind, task, contact, closeCause }) {
  switch (kind) {
    case 'CONTACT_LOGGED': {
      const then = contact?.followUp ? `, call again ${dayToCall(contact)}` : '';
      return `${OUTCOMES[contact?.outcome] ?? 'Contact'}${closeCause ? ', closed' : then}`;
    }
    case 'CONTACT_UNDONE':
      return `Undone: ${OUTCOMES[contact?.outcome] ?? 'Contact'}`;
    case 'REOPENED':
      return 'Reopened';
    case 'REOPENED_BY_CANCELLATION':
      return 'Reopened, appointment off';
    case 'CREATED':
      return 'New task';
    case 'CLAIMED':
      return 'Claimed';
    case 'RELEASED':
      return 'Released';
    case 'PATIENT_CHANGED':
      return 'Patient changed';
    case 'RESUMED':
      return 'Goes on after review';
    case 'POSTPONED':
      return `Postponed to ${dayToCall(task)}`;
    case 'CALL_BACK_DUE':
      return 'Time to call back';
    case 'CALL_BACK_PASSED_ON':
      return 'Anyone may call back';
    case 'PRIORITY_CHANGED':
      return `Priority ${task.priority.toLowerCase()}`;
    case 'REASSIGNED':
      return task.queue ? `Reassigned, ${outside(task.queue.name)}` : 'Reassigned';
    default:
      return `Closed, ${inside(CAUSES[closeCause ?? task.closeCause])}`;
  }
}

// Where the server's own words name a date, a time or a version.
const REFUSALS = {
  [CODES.FOLLOW_UP_IN_PAST]: 'The follow-up date is before today at the practice.',
  [CODES.FOLLOW_UP_AFTER_EXPIRY]: 'The task expires before the follow-up date.',
  [CODES.FOLLOW_UP_TOO_FAR]: 'The follow-up date is more than two years ahead.',
  [CODES.VERSION_CONFLICT]: 'Somebody has changed this task. See what is new, then log again.',
};

/** An error of the server as the agent reads it. */
export const refusal = ({ code, message, field }) =>
  (field?.at(-1) === 'followUpTime' ? null : REFUSALS[code]) ?? outside(message);

/** Why a closed task is closed, as a sentence without its end. */
export function cause({ closeCause, withdrawnReason }) {
  return CAUSES[closeCause] + (withdrawnReason ? `: ${outside(withdrawnReason)}` : '');
}

/** What was logged on a task, and on so many others, as a sentence or two. */
export function logged(task, others) {
  const then = task.isOpen ? `call again ${dayToCall(task)}` : 'closed';
  const also = others ? ` Also on ${count(others, 'other task')}.` : '';
  return `${outside(task.patient.name)}: ${OUTCOMES[task.lastContact.outcome]}, ${then}.${also}`;
}

/** What has changed from one state of a task to a later one, as sentences. */
export function differences(before, after) {
  const told = [];
  const compare = (name, a, b) => a !== b && told.push(`${name}: ${a} → ${b}`);
  const date = (task) => (task.followUp ? dayToCall(task) : 'none');
  compare('Name', before.patient.name, after.patient.name);
  compare('Phone', before.patient.phone, after.patient.phone);
  const dialled = ({ phones }) => outside(phones.find(({ isWrong }) => !isWrong)?.display ?? 'none');
  if (before.patient.phone === after.patient.phone) compare('Number to call', dialled(before.patient), dialled(after.patient));
  compare('For the caller', outside(before.patient.callerNote ?? 'nothing'), outside(after.patient.callerNote ?? 'nothing'));
  compare('Language', before.patient.language ?? 'none', after.patient.language ?? 'none');
  compare('The patient', CONTACT_STATUSES[before.patient.contactStatus], CONTACT_STATUSES[after.patient.contactStatus]);
  compare('Status', before.statusLabel, after.statusLabel);
  if (after.closeCause && !before.closeCause) told.push(`Closed: ${inside(CAUSES[after.closeCause])}`);
  if (after.isOpen) compare('Follow-up', date(before), date(after));
  compare('Priority', before.priority.toLowerCase(), after.priority.toLowerCase());
  compare('Attempts', before.contactCount, after.contactCount);
  if (after.contactCount > before.contactCount) {
    told.push(`Last outcome: ${OUTCOMES[after.lastContact.outcome]}`);
  }
  const name = (value, otherwise) => (value ? outside(value.name) : otherwise);
  compare('Call-back by', name(before.callBackBy, 'anyone'), name(after.callBackBy, 'anyone'));
  compare('For', name(before.assignee, 'all'), name(after.assignee, 'all'));
  compare('Queue', name(before.queue, 'another'), name(after.queue, 'another'));
  return told;
}
