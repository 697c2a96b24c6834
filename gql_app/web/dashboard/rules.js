// The workflow's table, so that the form says beforehand what the server would refuse. The server
// decides: this only saves a round trip.

import { addDays, lastDay, shortDate, today } from './words.js';

export const MAX_NOTES = 10_000;

export function lastFollowUp() {
  const [year, ...rest] = today().split('-');
  const date = [Number(year) + 2, ...rest].join('-');
  return rest.join('-') === '02-29' ? addDays(date.replace('-29', '-28'), 0) : date;
}

/** How many characters the server counts. */
export const lengthOf = (notes) => [...notes].length;

/** Why each button cannot be pressed; null if it can. `form`: { outcome, followUp, notes }. */
export function verdict(form, task) {
  const both = !task.isOpen
    ? 'The task is closed.'
    : !form.outcome
      ? 'Choose an outcome.'
      : lengthOf(form.notes) > MAX_NOTES
        ? `The notes are longer than ${MAX_NOTES.toLocaleString('en-US')} characters.`
        : null;
  return { log: both ?? whyNotLog(form, task), close: both };
}

function whyNotLog({ outcome, followUp, notes }, task) {
  if (outcome === 'SCHEDULED') return 'Scheduled ends the task: use Log and Close Task.';
  if (!followUp) return 'Set a follow-up date to keep the task open.';
  if (followUp < today()) return 'The follow-up date is before today.';
  const last = lastDay(task);
  if (last && followUp > last) return `The task expires on ${shortDate(last)}, before the follow-up.`;
  if (followUp > lastFollowUp()) return 'The follow-up date is more than two years ahead.';
  if (outcome === 'DID_NOT_SCHEDULE' && !notes.trim()) {
    return 'Say in the notes why the patient did not schedule.';
  }
  return null;
}
