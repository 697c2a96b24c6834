// Promised call-backs: at what time a patient is to be called back, and by whom.

import { takesDate } from './rules.js';
import { outside, write } from './text.js';
import { clock, shortDate, zoneAt } from './words.js';

const HOUR = 3_600_000; // ms

/** What is sent of the form with a follow-up date, if there is one. */
export const callBackOf = ({ followUpTime, callBackBy }, date) =>
  date && followUpTime ? { followUpTime, callBackBy } : {};

/** A time; with its zone where the clocks show it twice, because they go back. */
function timeOf(moment) {
  const at = Date.parse(moment);
  const shown = clock(at);
  return [at - HOUR, at + HOUR].some((other) => clock(other) === shown) ? `${shown} ${zoneAt(at)}` : shown;
}

/** Adds to a text about a follow-up date the time that was promised, if one was. */
export const withTime = (text, { followUpAt }) => (followUpAt ? `${text}, ${timeOf(followUpAt)}` : text);

/** The day of a follow-up, with the time that was promised. */
export const dayToCall = (one) => withTime(shortDate(one.followUp), one);

/** Who has promised to call back. */
export const callsBack = ({ callBackBy }) => (callBackBy ? `${outside(callBackBy.name)} calls back` : '');

/** The time and who calls, of the form for a contact. */
export function drawCallBack(form, { outcome, followUp, followUpTime, callBackBy }) {
  const { followUpTime: time, callBackBy: by } = form.elements;
  time.disabled = !takesDate(outcome);
  by.disabled = time.disabled || !followUpTime;
  const who = callBackBy === 'ME' ? 'You are offered the call first, after 3 minutes anyone.' : 'Whoever is free then is offered the call first.';
  const hint = !followUpTime ? 'Only if you have promised a time.' : followUp ? who : 'Choose the date, too.';
  write(form.querySelector('[data-part=time-hint]'), time.disabled ? '' : hint);
}
