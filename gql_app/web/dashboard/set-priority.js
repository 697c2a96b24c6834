// How urgent the task is that is open in the dialog: supervisors choose it, and it is sent at once.

import { graphql } from './api.js';
import { made } from './elements.js';
import { PRIORITIES } from './priorities.js';
import { SET_PRIORITY } from './priority-documents.js';
import { outside } from './text.js';

/** Let the priority be chosen in the dialog. Only supervisors do so: for others this is never loaded. */
export function attach(dialog) {
  dialog.priority ??= new SetPriority(dialog);
  dialog.draw();
}

class SetPriority {
  constructor(dialog) {
    this.dialog = dialog;
    this.select = made('select', { id: 'priority', autocomplete: 'off' });
    this.select.append(...Object.entries(PRIORITIES).map(([value, words]) => new Option(words, value)));
    this.element = made('p', {}, made('label', { for: 'priority', text: 'Priority ' }), this.select);
    // It is no part of what is logged, and no draft is kept of it.
    this.select.addEventListener('input', (event) => event.stopPropagation());
    this.select.addEventListener('change', () => this.send(this.select.value));
    dialog.part('to-patient').after(this.element);
  }

  draw() {
    const { task, viewer } = this.dialog;
    this.element.hidden = !viewer.mayMoveTasks || !task.isOpen;
    this.select.value = this.sending ?? task.priority;
  }

  async send(priority) {
    const { dialog } = this;
    const { id } = dialog.task;
    const { seen } = dialog.notices;
    this.sending = priority;
    dialog.notices.refuse('log', []);
    dialog.notices.seen = { ...seen, priority }; // they need not be told of what they have done
    try {
      const { skipped } = (await graphql(SET_PRIORITY, { ids: [id], priority })).setTaskPriority;
      if (skipped.length) throw new Error(outside(skipped[0].message));
      if (dialog.task?.id === id) dialog.task = { ...dialog.task, priority };
    } catch (error) {
      if (dialog.task?.id === id) dialog.notices.seen = seen;
      dialog.trouble('log', error, id);
    }
    this.sending = null;
    dialog.draw();
  }
}
