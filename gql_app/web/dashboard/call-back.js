// A promised call-back in the form for a contact: at what time, and by whom.

import { takesDate } from './rules.js';
import { write } from './text.js';

/** What is sent of it with a follow-up date, if there is one. */
export const callBackOf = ({ followUpTime, callBackBy }, date) =>
  date && followUpTime ? { followUpTime, callBackBy } : {};

/** Which of it can be chosen, and what comes of it. The server knows which times there are. */
export function drawCallBack(form, { outcome, followUp, followUpTime, callBackBy }) {
  const { followUpTime: time, callBackBy: by } = form.elements;
  time.disabled = !takesDate(outcome);
  by.disabled = time.disabled || !followUpTime;
  const who = callBackBy === 'ME' ? 'You are offered the call first, after 3 minutes anyone.' : 'Whoever is free then is offered the call first.';
  const hint = !followUpTime ? 'Only if you have promised a time.' : followUp ? who : 'Choose the date, too.';
  write(form.querySelector('[data-part=time-hint]'), time.disabled ? '' : hint);
}
