// Whether a patient may be called: shown on the patient's page, set there, and lifted by supervisors.

import { graphql } from './api.js';
import { Corrections } from './corrections.js';
import { button, made } from './elements.js';
import { FormDialog } from './form-dialog.js';
import { SET_STATUS } from './patient-documents.js';
import { outside, write } from './text.js';
import { count, dateOf, shortDate } from './words.js';
import { CONTACT_STATUSES } from './workflow.js';

const ENDING = ['DO_NOT_CONTACT', 'INACTIVE']; // those that may have a last day

export class PatientStatus {
  /** `say(words)`; `onSet()`: it is another now; `onError(error)`. */
  constructor({ say, onSet, onError }) {
    Object.assign(this, { say, onSet, patient: null, viewer: null, offered: [] });
    this.dialog = new FormDialog({
      submit: 'Save', onError, send: (values) => this.save(values),
      fields: [
        { name: 'status', label: 'The patient', tag: 'select' },
        { name: 'reason', label: 'Why', tag: 'textarea', rows: 3, maxlength: 600 },
        { name: 'until', label: 'Last day', type: 'date', hint: 'Without a date it holds until somebody lifts it.' },
      ],
    });
    this.dialog.inputs.status.addEventListener('change', () => this.settle());
    const onCorrected = ({ patient, reason }) => {
      this.say(`${outside(patient.name)}: “${outside(reason)}” is open again.`);
      this.onSet();
    };
    this.corrections = new Corrections({ onCorrected, onError });
    this.dialogs = [this.dialog, this.corrections.reopening];
    // The page may be told of it before the answer comes: what the focus would go back to is gone then.
    this.corrections.reopening.element.addEventListener('close', () => {
      if (document.activeElement === document.body) this.button.focus();
    });
    this.button = button('Contact status …', () => this.open());
    this.line = made('p', { class: 'standing' });
    this.offer = made('div', { class: 'notice', role: 'status', hidden: true });
    this.element = made('div', {}, this.line, this.offer);
  }

  begin(viewer) {
    this.viewer = viewer;
    this.button.hidden = !viewer.maySetContactStatus;
  }

  clear() {
    this.patient = null;
    write(this.line, '');
    this.drawOffer([]);
  }

  draw(patient) {
    if (this.patient && this.patient.id !== patient.id) this.clear();
    this.patient = patient;
    write(this.line, told(patient));
    const isOpen = new Set(patient.open.nodes.map(({ id }) => id));
    const left = this.offered.filter(({ id }) => !isOpen.has(id));
    if (left.length < this.offered.length) this.drawOffer(left);
  }

  open() {
    const { id, contactStatus: now, contactStatusReason: reason, contactStatusUntil: until } = this.patient;
    const { status } = this.dialog.inputs;
    const chosen = this.dialog.about === id ? status.value : '';
    const options = Object.entries(CONTACT_STATUSES).filter(([name]) => name !== 'OK' || this.viewer.mayLiftContactStatus);
    status.replaceChildren(...options.map(([name, words]) => new Option(words, name)));
    const first = now === 'OK' ? 'DO_NOT_CONTACT' : now;
    this.dialog.open(id, 'May this patient be called?', { status: first, reason: now === 'OK' ? '' : reason, until });
    if (chosen) status.value = chosen;
    this.settle();
  }

  /** A date is taken only for what ends. */
  settle() {
    const { status, until } = this.dialog.inputs;
    until.disabled = !ENDING.includes(status.value);
  }

  async save({ status, reason, until }) {
    const { about: id } = this.dialog;
    const given = { id, status, reason: reason || null, until: (ENDING.includes(status) && until) || null };
    const { patient, closed, offered, errors } = (await graphql(SET_STATUS, given)).setContactStatus;
    if (errors.length) return errors;
    const ended = closed.length ? ` ${count(closed.length, 'open task')} closed.` : '';
    this.say(`${outside(patient.name)}: ${CONTACT_STATUSES[patient.contactStatus]}.${ended}`);
    if (this.patient?.id === id) this.drawOffer(offered);
    this.onSet();
    return [];
  }

  /** What the lifted status had closed, so that it can be looked at, and reopened. */
  drawOffer(tasks) {
    const hadFocus = this.offer.contains(document.activeElement);
    this.offered = tasks;
    this.offer.hidden = !tasks.length;
    const lines = tasks.map((task) => this.offerLine(task));
    this.offer.replaceChildren(made('strong', { text: 'Tasks that the contact status had closed:' }), made('ul', { class: 'offered' }, ...lines));
    if (hadFocus) (this.offer.querySelector('button') ?? this.button).focus();
  }

  offerLine({ id, reason, queue }) {
    const reopen = () => this.corrections.reopen({ id, patient: this.patient });
    return made(
      'li', {},
      made('a', { href: `#/tasks/${id}`, text: `${outside(reason)} · ${outside(queue?.name)}` }),
      this.viewer.mayCorrect && button('Reopen …', reopen, { about: outside(reason) }),
    );
  }
}

/** What is said of a patient who is not to be called; nothing of one who may be. */
function told({ contactStatus, contactStatusReason, contactStatusSince, contactStatusUntil }) {
  if (contactStatus === 'OK') return '';
  const since = contactStatusSince ? ` since ${shortDate(dateOf(contactStatusSince))}` : '';
  const until = contactStatusUntil ? `, until ${shortDate(contactStatusUntil)}` : '';
  const why = contactStatusReason ? `: ${outside(contactStatusReason)}` : '.';
  return CONTACT_STATUSES[contactStatus] + since + until + why;
}
