// The workflow's rules, so that the form says beforehand what the server would refuse. The server
// decides: this only saves a round trip.

import { addDays, lastDay, shortDate, today } from './words.js';
import { CONTACT_STATUSES, MAX_FOLLOW_UP_YEARS, MAX_NOTES, NEEDS } from './workflow.js';

export function lastFollowUp() {
  const [year, ...rest] = today().split('-');
  const date = [Number(year) + MAX_FOLLOW_UP_YEARS, ...rest].join('-');
  return rest.join('-') === '02-29' ? addDays(date.replace('-29', '-28'), 0) : date;
}

/** How many characters the server counts. */
export const lengthOf = (notes) => [...notes].length;

/** Why each button cannot be pressed; null if it can. `form`: { outcome, followUp, notes, contactStatus }. */
export function verdict(form, task) {
  const both = !task.isOpen
    ? 'The task is closed.'
    : !form.outcome
      ? 'Choose an outcome.'
      : lengthOf(form.notes) > MAX_NOTES
        ? `The notes are longer than ${MAX_NOTES.toLocaleString('en-US')} characters.`
        : null;
  return { log: both ?? whyNot('log', form, task), close: both ?? whyNot('close', form, task) };
}

/** Whether the outcome can keep the task open, and so takes a follow-up date; any may, before one is chosen. */
export const takesDate = (outcome) => !outcome || 'followUp' in NEEDS.log[outcome];

function whyNot(button, { outcome, followUp, notes, contactStatus }, task) {
  if (button === 'log' && contactStatus) return `${CONTACT_STATUSES[contactStatus]} ends the task: use Log and Close Task.`;
  const needs = NEEDS[button][outcome];
  if (needs.refused) return needs.refused;
  const why = needs.followUp && (followUp ? whyNotThen(followUp, task) : needs.followUp);
  return why || (notes.trim() ? null : (needs.notes ?? null));
}

/** Why a date cannot be a follow-up date; null if it can. */
function whyNotThen(followUp, task) {
  if (followUp < today()) return 'The follow-up date is before today.';
  const last = lastDay(task);
  if (last && followUp > last) return `The task expires on ${shortDate(last)}, before the follow-up.`;
  if (followUp > lastFollowUp()) return 'The follow-up date is more than two years ahead.';
  return null;
}
