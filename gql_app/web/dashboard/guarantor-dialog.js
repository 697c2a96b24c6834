// Who answers for a patient: look for them, and make the two a household; or take the patient out of theirs.

import { SignedOut, graphql } from './api.js';
import { button, made } from './elements.js';
import { OtherPatient } from './other-patient.js';
import { SET_GUARANTOR } from './patient-documents.js';
import { outside, write } from './text.js';

export class GuarantorDialog {
  /** `say(words)`; `onError(error)`; `onSet()`: it is another one now. */
  constructor({ say, onError, onSet }) {
    Object.assign(this, { say, onError, onSet, patient: null, chosen: null });
    this.looking = new OtherPatient({
      ...{ id: 'guarantor-search', label: 'The patient who answers for this one', group: 'Who answers', onError },
      hint: 'Such as a parent. Find them by name or number.',
      onChoose: (one) => this.choose(one),
    });
    this.wrong = made('div', { class: 'notice wrong', role: 'alert', hidden: true });
    this.save = button('Save', () => this.set(this.chosen.id), { class: 'primary', disabled: true });
    this.leave = button('Nobody else answers', () => this.set(null));
    this.title = made('h2', { id: 'guarantor-title' });
    this.element = made(
      'dialog', { class: 'form-dialog', 'aria-labelledby': 'guarantor-title' },
      made(
        'form', { on: { submit: (event) => event.preventDefault() } },
        this.title,
        this.wrong,
        made('p', { class: 'muted', text: 'A household is called as one: for a call to one of them, nobody calls the others.' }),
        this.looking.element,
        made('p', { class: 'toast', role: 'status' }),
        made('div', { class: 'buttons' }, this.save, this.leave, button('Cancel', () => this.element.close())),
      ),
    );
    document.body.append(this.element);
  }

  open(patient) {
    if (this.patient?.id !== patient.id) this.fill(patient);
    const { guarantor } = patient.household ?? {};
    this.leave.hidden = !guarantor || guarantor.id === patient.id;
    this.element.showModal();
    this.looking.search.focus();
  }

  /** Begin anew, for a patient or for nobody. */
  fill(patient) {
    this.patient = patient;
    write(this.title, patient ? `Who answers for ${outside(patient.name)}?` : '');
    this.looking.begin(patient);
  }

  choose(one) {
    this.chosen = one;
    this.save.disabled = !one;
    this.refuse('');
  }

  async set(guarantor) {
    this.refuse('');
    this.save.disabled = true;
    try {
      const { patient, errors } = (await graphql(SET_GUARANTOR, { id: this.patient.id, guarantor })).setGuarantor;
      if (errors.length) return this.refuse(outside(errors[0].message));
      this.fill(null);
      this.element.close();
      const is = guarantor ? 'is in a household now' : 'answers alone now';
      this.say(`${outside(patient.name)} ${is}.`);
      this.onSet();
    } catch (error) {
      if (error instanceof SignedOut) this.onError(error);
      else this.refuse(`Not done; try again. ${outside(error.message)}`);
    } finally {
      this.save.disabled = !this.chosen;
    }
  }

  refuse(words) {
    this.wrong.hidden = !words;
    this.wrong.replaceChildren(...(words ? [made('p', { text: words })] : []));
  }
}
