// The notices of the dialog: what has become of the claim, what has changed since the agent looked, and
// what was refused. Each line goes away when it is no longer true.

import { made } from './form.js';
import { outside, refill, write } from './text.js';
import { calling, differences, refusal } from './words.js';
import { CODES } from './workflow.js';

// What the page says by itself, as long as it is so.
const SHOWN_ANYWAY = new Set([CODES.CLAIMED_BY_OTHER, CODES.TASK_CLOSED]);

export class Notices {
  constructor(dialog, store, claims) {
    Object.assign(this, { store, claims });
    this.ofClaim = dialog.querySelector('[data-part=claim]');
    this.again = dialog.querySelector('[data-part=claim-again]');
    this.changes = dialog.querySelector('[data-part=changes]');
    this.errors = dialog.querySelector('[data-part=errors]');
    this.hours = dialog.querySelector('[data-part=hours]');
  }

  /** The agent sees the task as it is now: what was said before is over. */
  begin(task) {
    Object.assign(this, { seen: task, actor: null });
    this.claim = this.log = { title: '', errors: [] };
    this.warn([]);
  }

  /** What to know about the claim that was made: that it is early or late to call. */
  warn(warnings) {
    write(this.hours, warnings.map(({ message }) => outside(message)).join(' '));
    this.hours.hidden = warnings.length === 0;
  }

  /** Somebody has changed the task; `actor` is who, as far as it is known. */
  changed(actor) {
    this.actor = actor?.name ?? this.actor;
  }

  /** What came of the last attempt to claim or to log (`act`): `errors` as the server gives them, or
   *  thrown; none if it succeeded, or is under way. */
  refuse(act, errors, title = '') {
    this[act] = { title, errors: errors.filter(({ code }) => !SHOWN_ANYWAY.has(code)) };
  }

  /** A control of this name has another value: what was said of the last one is over. */
  mended(name) {
    const changed = name === 'outcome' ? ['outcome', 'followUp', 'followUpTime', 'notes'] : [name];
    const isOver = ({ field }) => changed.includes(field?.at(-1));
    this.log = { ...this.log, errors: this.log.errors.filter((error) => !isOver(error)) };
  }

  /** Say what is true of the task as it is now. */
  draw(task) {
    const told = differences(this.seen, task);
    say(this.changes, told, `Changed meanwhile${this.actor ? ` by ${outside(this.actor)}` : ''}:`);
    this.drawClaim(task);
    const lines = [...this.log.errors, ...this.claim.errors].map(refusal);
    say(this.errors, lines, this.log.errors.length ? this.log.title : this.claim.title);
  }

  /** Say that the patient is not claimed, and offer to claim again. */
  drawClaim(task) {
    const { trouble } = this.claims;
    const caller = this.store.otherCaller(task);
    const why = caller ? calling(caller, task) : trouble?.why;
    say(this.ofClaim, trouble ? [why] : [], trouble?.title ?? '');
    this.again.disabled = caller !== null;
  }
}

function say(box, lines, title) {
  box.hidden = lines.length === 0;
  write(box.querySelector('strong'), title);
  refill(box.querySelector('ul'), lines, (line) => made('li', line));
}
