// Merging a patient with another one: look for the other, choose who stays, see what goes over, and do it.

import { SignedOut, graphql } from './api.js';
import { button, made } from './elements.js';
import { OtherPatient, called, choice } from './other-patient.js';
import { MERGE } from './patient-documents.js';
import { outside } from './text.js';
import { count } from './words.js';

export class MergeDialog {
  /** `say(words)`; `onError(error)`; `onMerged(id)`: with the survivor's id. */
  constructor({ say, onError, onMerged }) {
    Object.assign(this, { say, onError, onMerged, patient: null });
    this.looking = new OtherPatient({
      ...{ id: 'merge-search', label: 'The other patient', group: 'The other patient', onError },
      hint: 'Find the second entry of the same person by name or number.',
      onChoose: (other) => this.choose(other),
    });
    this.stays = made('div', { class: 'choices' });
    this.who = made('fieldset', { class: 'entry', hidden: true }, made('legend', { text: 'Who stays' }), this.stays);
    this.plan = made('div', { class: 'notice', role: 'status', hidden: true });
    this.wrong = made('div', { class: 'notice wrong', role: 'alert', hidden: true });
    this.button = button('Merge', () => this.merge(), { class: 'primary', disabled: true });
    this.element = made(
      'dialog', { class: 'form-dialog', 'aria-labelledby': 'merge-title' },
      made(
        'form', { on: { submit: (event) => event.preventDefault() } },
        made('h2', { id: 'merge-title', text: 'Merge two patients who are one person' }),
        this.wrong,
        this.looking.element,
        this.who,
        this.plan,
        made('p', { class: 'toast', role: 'status' }),
        made('div', { class: 'buttons' }, this.button, button('Cancel', () => this.element.close())),
      ),
    );
    document.body.append(this.element);
  }

  open(patient) {
    if (this.patient?.id !== patient.id) this.fill(patient);
    this.element.showModal();
    this.looking.search.focus();
  }

  /** Begin anew, for a patient or for nobody. */
  fill(patient) {
    this.patient = patient;
    this.looking.begin(patient);
  }

  choose(other) {
    this.who.hidden = !other;
    this.plan.hidden = true;
    this.button.disabled = true;
    this.refuse('');
    if (!other) return this.stays.replaceChildren();
    const options = [[this.patient, other], [other, this.patient]];
    const stay = (pair, i) => choice('stays', called(pair[0]), () => this.preview(...pair), i === 0);
    this.stays.replaceChildren(...options.map(stay));
    this.preview(...options[0]);
  }

  /** Show what would go where. */
  async preview(survivor, merged) {
    this.pair = { survivorId: survivor.id, mergedId: merged.id };
    const { pair } = this;
    this.button.disabled = true;
    const answer = await this.ask(true);
    if (!answer || this.pair !== pair) return;
    const { tasks, openTasks, contacts, appointments } = answer;
    const goes = `${count(tasks, 'task')} (${openTasks} open) with ${count(contacts, 'contact')}`;
    const stays = outside(survivor.name);
    const lines = [
      `${goes}, and ${count(appointments, 'appointment')}, go to ${stays}.`,
      `${stays} keeps the name, and has both numbers. If you look for ${outside(merged.name)}, you find ${stays}.`,
      'You can undo this on the patient’s page.',
    ];
    this.plan.replaceChildren(...lines.map((text) => made('p', { text })));
    this.plan.hidden = false;
    this.button.disabled = false;
  }

  async merge() {
    this.button.disabled = true;
    const answer = await this.ask(false);
    if (!answer) return;
    this.fill(null);
    this.element.close();
    this.say(`Merged into ${outside(answer.patient.name)}.`);
    this.onMerged(answer.patient.id);
  }

  /** The answer, or null if it was refused, which is shown. */
  async ask(dryRun) {
    this.refuse('');
    try {
      const answer = (await graphql(MERGE, { ...this.pair, dryRun })).mergePatients;
      if (!answer.errors.length) return answer;
      this.refuse(outside(answer.errors[0].message));
    } catch (error) {
      if (error instanceof SignedOut) this.onError(error);
      else this.refuse(`Not done; try again. ${outside(error.message)}`);
      this.button.disabled = this.plan.hidden;
    }
    return null;
  }

  refuse(words) {
    this.wrong.hidden = !words;
    this.wrong.replaceChildren(...(words ? [made('p', { text: words })] : []));
  }
}
