// Postpone: another date for the task that is open, and why. What was typed is kept with its draft.

import { graphql } from './api.js';
import { POSTPONE } from './documents.js';
import { FormDialog } from './form-dialog.js';
import { lastFollowUp } from './rules.js';
import { outside } from './text.js';
import { addDays, dayToCall, lastDay, refusal, today } from './words.js';

const MAX_REASON = 500;

export class Postponing {
  /** `dialog` has the task. `say(words)`; `onError(error)` is told that the session has ended. */
  constructor(dialog, { say, onError }) {
    Object.assign(this, { dialog, say });
    this.form = new FormDialog({
      submit: 'Postpone',
      fields: [
        { name: 'followUp', label: 'Call on', type: 'date' },
        { name: 'followUpTime', label: 'Call back at', type: 'time', hint: 'Only if you have promised a time.' },
        { name: 'reason', label: 'Why', tag: 'textarea', rows: 3, maxlength: MAX_REASON, hint: 'It does not count as an attempt.' },
      ],
      send: (values) => this.send(values),
      onError,
    });
    this.form.element.addEventListener('input', () => {
      dialog.fields.postponed = this.form.values;
      dialog.keep();
    });
    // Nothing of a task stays in the page once its dialog is closed.
    dialog.element.addEventListener('close', () => {
      this.form.element.close();
      this.form.fill(null, {});
    });
  }

  open() {
    const { task, fields } = this.dialog;
    const last = lastDay(task);
    const { followUp } = this.form.inputs;
    followUp.min = today();
    followUp.max = last && last < lastFollowUp() ? last : lastFollowUp();
    const tomorrow = addDays(today(), 1);
    const first = tomorrow <= followUp.max ? tomorrow : '';
    this.form.open(task.id, `Postpone: ${outside(task.patient.name)}`, fields.postponed ?? { followUp: first });
  }

  async send({ followUp, followUpTime, reason }) {
    if (!followUp) return [{ field: ['followUp'], message: 'Choose a date.' }];
    const { dialog } = this;
    const { id, version } = dialog.task;
    const asked = { taskId: id, followUp, followUpTime: followUpTime || null, reason, expectedVersion: version };
    const { task, errors } = (await graphql(POSTPONE, asked)).postponeTask;
    if (errors.length) {
      if (task && dialog.task?.id === id) dialog.learn(task);
      return errors.map((error) => ({ ...error, message: refusal(error) }));
    }
    dialog.fields.postponed = null;
    dialog.keep();
    dialog.claims.done(id);
    dialog.store.put(task);
    dialog.element.close();
    this.say(`${outside(task.patient.name)}: postponed to ${dayToCall(task)}.`);
    return [];
  }
}
