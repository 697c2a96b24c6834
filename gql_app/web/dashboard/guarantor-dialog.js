// Who answers for a patient: look for them, and make the two a household; or take the patient out of theirs.

import { SignedOut, graphql } from './api.js';
import { button, made } from './elements.js';
import { FOUND, SET_GUARANTOR } from './patient-documents.js';
import { outside, write } from './text.js';
import { count } from './words.js';

const TYPING_PAUSE = 200; // ms after the last key before a search begins
const MOST_FOUND = 10;

export class GuarantorDialog {
  /** `say(words)`; `onError(error)`; `onSet()`: it is another one now. */
  constructor({ say, onError, onSet }) {
    Object.assign(this, { say, onError, onSet, patient: null, chosen: null, asked: 0 });
    this.search = made('input', {
      id: 'guarantor-search', type: 'search', placeholder: 'Patient or phone', autocomplete: 'off', maxlength: 100,
      on: { input: () => this.typed() },
    });
    this.found = made('div', { class: 'choices', role: 'radiogroup', 'aria-label': 'Who answers' });
    this.note = made('p', { class: 'muted', role: 'status' });
    this.wrong = made('div', { class: 'notice wrong', role: 'alert', hidden: true });
    this.save = button('Save', () => this.set(this.chosen.id), { class: 'primary', disabled: true });
    this.leave = button('Nobody else answers', () => this.set(null));
    this.title = made('h2', { id: 'guarantor-title' });
    const label = made('label', { for: 'guarantor-search', text: 'The patient who answers for this one' });
    this.element = made(
      'dialog', { class: 'form-dialog', 'aria-labelledby': 'guarantor-title' },
      made(
        'form', { on: { submit: (event) => event.preventDefault() } },
        this.title,
        this.wrong,
        made('p', { class: 'muted', text: 'A household is called as one: for a call to one of them, nobody calls the others.' }),
        made('div', { class: 'entry' }, label, this.search, this.note, this.found),
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
    this.search.focus();
  }

  /** Begin anew, for a patient or for nobody. */
  fill(patient) {
    this.patient = patient;
    this.asked += 1;
    this.search.value = '';
    this.found.replaceChildren();
    write(this.title, patient ? `Who answers for ${outside(patient.name)}?` : '');
    write(this.note, 'Such as a parent. Find them by name or number.');
    this.choose(null);
  }

  choose(one) {
    this.chosen = one;
    this.save.disabled = !one;
    this.refuse('');
  }

  typed() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.look(), TYPING_PAUSE);
  }

  async look() {
    const asked = (this.asked += 1);
    const search = this.search.value.trim();
    this.found.replaceChildren();
    this.choose(null);
    if (!search) return;
    try {
      const { patients } = await graphql(FOUND, { search, first: MOST_FOUND, after: null }, { isKept: false });
      if (asked !== this.asked) return;
      const others = patients.nodes.filter(({ id }) => id !== this.patient.id);
      write(this.note, others.length ? `${count(others.length, 'patient')} found.` : 'Nobody else is called so.');
      this.found.replaceChildren(...others.map((one) => this.choice(one)));
    } catch (error) {
      if (asked !== this.asked) return;
      if (error instanceof SignedOut) return this.onError(error);
      write(this.note, error.code === 'BAD_USER_INPUT' ? 'Type at least 2 letters or digits.' : outside(error.message));
    }
  }

  choice(one) {
    const text = `${outside(one.name)}, ${outside(one.phone)}`;
    const radio = made('input', { type: 'radio', name: 'guarantor', on: { change: () => this.choose(one) } });
    return made('label', {}, radio, made('span', { text }));
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
