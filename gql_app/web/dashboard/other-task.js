// One of the other open tasks of the patient or the household: what may be chosen for it, and what a call comes to on it then.

import { noted } from './attempt.js';
import { made } from './elements.js';
import { takesDate, verdict } from './rules.js';
import { outside, write } from './text.js';
import { count, dayToCall, distance } from './words.js';
import { OUTCOMES } from './workflow.js';

// What may be chosen for a task. Without a choice the call is logged on it in the same way, as long as it stays open
// by that: Log and Close Task closes only what was chosen to be closed. A task of somebody else of the household stays
// as it is without a choice, and gets no notes that were made of another person.
const SAME = '';
const ALIKE = 'alike';
const CLOSE = 'close';
export const LEAVE = 'leave';
export const OWN = 'own';
const CHOICES = {
  [SAME]: 'Same outcome, same day',
  [CLOSE]: 'Same outcome, close it',
  [OWN]: 'Another outcome …',
  [LEAVE]: 'Leave as it is',
};
const CHOICES_OF_MEMBER = {
  [LEAVE]: CHOICES[LEAVE],
  [ALIKE]: 'Same outcome, same day, no notes',
  [CLOSE]: 'Same outcome, close it, no notes',
  [OWN]: CHOICES[OWN],
};
export const EMPTY = { choice: SAME, outcome: Object.keys(OUTCOMES)[0], followUp: '', closes: false, notes: '' };

const options = (texts) => Object.entries(texts).map(([value, text]) => made('option', { value, text }));

export class Row {
  constructor(list, task, of) {
    Object.assign(this, { list, task, of, error: '' });
    const isOfMember = Boolean(task.member);
    this.same = isOfMember ? ALIKE : SAME;
    this.usual = isOfMember ? LEAVE : SAME;
    const choices = isOfMember ? CHOICES_OF_MEMBER : CHOICES;
    const id = `other-${task.id}`;
    this.title = made('strong', { id });
    this.about = made('span');
    this.choice = this.control('select', 'choice', 'This call', {}, options(choices));
    this.own = made('div', { class: 'own' });
    this.hint = made('p', { class: 'muted' });
    this.said = made('p', { class: 'error', role: 'alert' });
    this.element = made('li', {}, this.title, this.about, this.choice, this.own, this.hint, this.said);
  }

  /** Something that is chosen or typed for this task. */
  control(tag, name, label, attributes = {}, children = []) {
    const read = (input) => (input.type === 'checkbox' ? input.checked : input.value);
    return made(
      tag,
      {
        'aria-label': label, 'aria-describedby': `other-${this.task.id}`, ...attributes,
        on: { input: (event) => this.typed(event, { [name]: read(event.target) }) },
      },
      ...children,
    );
  }

  /** What another outcome takes; made when it is chosen first. */
  fillOwn() {
    this.outcome = this.control('select', 'outcome', 'Outcome', {}, options(OUTCOMES));
    this.followUp = this.control('input', 'followUp', 'Follow-up date', { type: 'date' });
    this.closes = this.control('input', 'closes', 'Close it', { type: 'checkbox' });
    this.notes = this.control('textarea', 'notes', 'Notes', { rows: 2, placeholder: 'Notes' });
    this.own.append(this.outcome, this.followUp, made('label', {}, this.closes, 'Close it'), this.notes);
  }

  /** The form of the call itself is not to take it for its own. */
  typed(event, values) {
    event.stopPropagation();
    const { fields } = this.list.dialog;
    const isFirst = values.choice === OWN && !fields.others?.[this.task.id];
    const begun = isFirst ? { outcome: fields.outcome ?? EMPTY.outcome, followUp: fields.followUp } : {};
    this.list.choose(this.task.id, { ...begun, ...values });
  }

  /** What is to be logged here, whatever may be wrong with it; null if nothing is. */
  attempt(isClosing) {
    const { fields, task } = this.list.dialog;
    const { choice, ...own } = this.list.chosen(this.task.id);
    if (!this.task.isOpen || choice === LEAVE || !task.isOpen) return null;
    if (choice === OWN) {
      const close = own.closes || !takesDate(own.outcome);
      return { outcome: own.outcome, followUp: close ? null : own.followUp || null, close, notes: noted(own.notes) };
    }
    const { notes } = this.taken(fields);
    const same = { outcome: fields.outcome, notes: noted(notes) };
    if (choice === CLOSE) return { ...same, followUp: null, close: true };
    if (isClosing || !takesDate(fields.outcome) || this.whyNot(this.taken(fields))) return null;
    return { ...same, followUp: fields.followUp, close: false };
  }

  /** What is taken over of the call: notes are about one person. */
  taken(fields) {
    return { ...fields, notes: this.task.member ? '' : fields.notes };
  }

  /** Why a contact cannot be logged here; null if it can. */
  whyNot({ outcome, followUp, notes }, button = 'log') {
    return verdict({ outcome, followUp: followUp ?? '', notes: notes ?? '' }, this.task)[button];
  }

  /** What is missing of that which was chosen for this task by itself. */
  wrong() {
    if (this.list.chosen(this.task.id).choice !== OWN) return null;
    const attempt = this.attempt(false);
    return attempt && this.whyNot(attempt, attempt.close ? 'close' : 'log');
  }

  draw() {
    const { task } = this;
    const { dialog } = this.list;
    const chosen = this.list.chosen(task.id);
    const due = task.followUp ? `Follow-up ${dayToCall(task)}, ${distance(task.followUp)}` : count(task.contactCount, 'attempt');
    const assignee = task.assignee ? ` · For ${outside(task.assignee.name)}` : '';
    write(this.title, [task.member?.name, task.reason].filter(Boolean).map(outside).join(': '));
    write(this.about, `${outside(task.queue.name)} · ${due}${assignee}`);
    this.choice.hidden = this.hint.hidden = dialog.isRecord;
    this.own.hidden = dialog.isRecord || chosen.choice !== OWN;
    if (this.choice.value !== chosen.choice) this.choice.value = chosen.choice;
    if (chosen.choice === OWN) this.drawOwn(chosen);
    write(this.hint, this.told(chosen.choice, dialog.fields));
    write(this.said, this.error);
  }

  drawOwn(chosen) {
    if (!this.outcome) this.fillOwn();
    for (const name of ['outcome', 'followUp', 'notes']) {
      if (this[name].value !== chosen[name]) this[name].value = chosen[name];
    }
    this.closes.disabled = !takesDate(chosen.outcome);
    this.followUp.disabled = this.closes.checked = chosen.closes || this.closes.disabled;
  }

  /** What becomes of the task. */
  told(choice, fields) {
    if (!this.task.isOpen) return 'It was closed meanwhile: nothing is logged on it.';
    if (choice === OWN) return this.wrong() ?? '';
    if (choice !== this.same || !fields.outcome) return '';
    if (!takesDate(fields.outcome)) return 'It stays as it is, for there is no day.';
    const why = fields.followUp && this.whyNot(this.taken(fields));
    return why ? `It stays as it is. ${why}` : '';
  }
}
