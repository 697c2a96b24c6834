// What supervisors take back: a contact that was logged by mistake, and the closing of a task. Both say why.

import { graphql } from './api.js';
import { newKey } from './claim.js';
import { REOPEN, UNDO } from './correction-documents.js';
import { ONE_TASK } from './documents.js';
import { FormDialog } from './form-dialog.js';
import { outside } from './text.js';
import { OUTCOMES } from './workflow.js';

const REASON = { name: 'reason', label: 'Why', tag: 'textarea', rows: 3, maxlength: 600 };

export class Corrections {
  /** `onCorrected(task)`: the task is so now; `onError(error)`. */
  constructor({ onCorrected, onError }) {
    this.onCorrected = onCorrected;
    this.undoing = new FormDialog({
      submit: 'Undo the contact', onError, fields: [{ ...REASON, hint: 'Everybody at the practice sees it.' }],
      send: ({ reason }) => this.send(this.undoing, UNDO, { contactId: this.contact.id, reason }),
    });
    this.reopening = new FormDialog({
      submit: 'Reopen the task', onError,
      fields: [
        { ...REASON, hint: 'Everybody at the practice sees it.' },
        { name: 'followUp', label: 'Call on', type: 'date', hint: 'A task that was contacted, or has expired, needs it.' },
      ],
      send: ({ reason, followUp }) =>
        this.send(this.reopening, REOPEN, { taskId: this.task.id, reason, followUp: followUp || null }),
    });
  }

  /** Another task is looked at, or none: a form about the one before is closed. What was typed stays. */
  begin() {
    for (const form of [this.undoing, this.reopening]) form.element.close();
  }

  forget() {
    for (const form of [this.undoing, this.reopening]) form.fill(null, {});
  }

  undo(task, contact) {
    Object.assign(this, { task, contact });
    this.undoing.open(contact.id, `Undo “${OUTCOMES[contact.outcome]}” of ${outside(contact.loggedBy.name)}`);
  }

  reopen(task) {
    this.task = task;
    this.reopening.open(task.id, `Reopen the task of ${outside(task.patient.name)}`);
  }

  /** The same form sent again, because no answer came, is the same request. */
  async send(form, document, variables) {
    const { id } = this.task;
    const sent = JSON.stringify(variables);
    const key = form.attempt?.sent === sent ? form.attempt.key : newKey();
    form.attempt = { sent, key };
    const [{ errors }] = Object.values(await graphql(document, { ...variables, key }));
    if (errors.length) {
      form.attempt = null;
      return errors;
    }
    const { task } = await graphql(ONE_TASK, { id });
    form.fill(null, {});
    form.element.close();
    this.onCorrected(task);
    return [];
  }
}
