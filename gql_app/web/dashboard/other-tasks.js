// The other open tasks of the patient and the household, and what the same call comes to on each of them. Few patients have several, so
// this is loaded for those who do.

import { othersOf } from './attempt.js';
import { button, made } from './elements.js';
import { EMPTY, LEAVE, OWN, Row } from './other-task.js';
import { outside, write } from './text.js';
import { count, refusal } from './words.js';
import { CODES, CONTACT_STATUSES } from './workflow.js';

document.head.append(made('link', { rel: 'stylesheet', href: 'dashboard/other-tasks.css' }));

/** A member of the household, with what is to be known before somebody asks for them. */
function called({ name, isGuarantor, contactStatus }) {
  const known = [isGuarantor && 'answers for all', contactStatus !== 'OK' && CONTACT_STATUSES[contactStatus]];
  const more = known.filter(Boolean).join(', ');
  return outside(name) + (more && ` (${more})`);
}

export class OtherTasks {
  /** `dialog` has the call: what was chosen for these tasks is in its fields, and is kept with its draft. */
  constructor(dialog) {
    this.dialog = dialog;
    this.rows = new Map(); // by the task's id
    this.all = button('', () => this.chooseForAll());
    this.household = made('p', { class: 'muted household' });
    dialog.part('others').before(this.all, this.household);
  }

  /** These are the other open tasks of the patient and the household now. One that is none any more stays if something
   *  was typed for it, or refused. */
  show(tasks, members) {
    const { dialog } = this;
    const known = new Map(tasks.map((task) => [task.id, task]));
    for (const [id, row] of this.rows) {
      if (known.has(id)) continue;
      const isKept = row.of === dialog.task?.id && (row.error || this.chosen(id).choice === OWN);
      if (isKept) row.task = { ...row.task, isOpen: false };
      else this.rows.delete(id);
    }
    for (const task of tasks) {
      const row = this.rows.get(task.id);
      if (row) row.task = task;
      else this.rows.set(task.id, new Row(this, task, dialog.task.id));
    }
    const items = new Set([...this.rows.values()].map((row) => row.element));
    const list = dialog.part('others');
    for (const item of [...list.children]) if (!items.delete(item)) item.remove();
    list.append(...items); // what stays is not moved: the focus may be in it
    write(this.household, members.length ? `Household: ${members.map(called).join(', ')}.` : '');
    this.household.hidden = !members.length;
    dialog.part('other-tasks').hidden = !this.rows.size && !members.length;
  }

  /** What was chosen for a task. */
  chosen(id) {
    return { ...EMPTY, choice: this.rows.get(id)?.usual, ...this.dialog.fields.others?.[id] };
  }

  choose(id, values) {
    const { fields } = this.dialog;
    fields.others = { ...fields.others, [id]: { ...this.chosen(id), ...values } };
    this.rows.get(id).error = '';
    this.dialog.keep();
  }

  get areAllLeft() {
    return [...this.rows.keys()].every((id) => this.chosen(id).choice === LEAVE);
  }

  chooseForAll() {
    const { areAllLeft } = this;
    for (const [id, row] of this.rows) this.choose(id, { choice: areAllLeft ? row.same : LEAVE });
  }

  /** What is to be logged on the tasks if the button is pressed that closes, or the other one. */
  asked(close) {
    return [...this.rows].flatMap(([taskId, row]) => {
      const attempt = row.attempt(close);
      return attempt ? [{ taskId, ...attempt }] : [];
    });
  }

  /** Why neither button can be pressed; null if both can. */
  why() {
    return [...this.rows.values()].some((row) => row.wrong()) ? 'Something is missing for another task.' : null;
  }

  /** What a button does to these tasks; null if there are none. */
  hint(name) {
    const isOpen = ({ task }) => task.isOpen;
    if (![...this.rows.values()].some(isOpen)) return null;
    const number = othersOf(this.dialog, name === 'close').length;
    return number ? `Also logged on ${count(number, 'other task')}.` : 'The other tasks stay as they are.';
  }

  /** Show each of the errors at its task; `others` were sent. Gives those that are of none, and where to look. */
  refuse(errors, others = []) {
    for (const row of this.rows.values()) row.error = '';
    const rest = [];
    for (const error of errors) {
      const [of, place] = error.field ?? [];
      const row = of === 'others' && this.rows.get(others[place]?.taskId);
      if (!row) {
        rest.push(error);
        continue;
      }
      row.error = [row.error, refusal(error)].filter(Boolean).join(' ');
      if (error.code === CODES.TASK_CLOSED) row.task = { ...row.task, isOpen: false };
    }
    if (rest.length < errors.length) rest.push({ message: 'See what is said at the other open tasks.' });
    return rest;
  }

  draw() {
    this.all.hidden = this.dialog.isRecord || this.rows.size < 2;
    write(this.all, this.areAllLeft ? 'All of them' : 'None of them');
    for (const row of this.rows.values()) row.draw();
  }
}
