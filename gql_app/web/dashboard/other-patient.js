// Looking for another patient by name or number, to choose one of those who are found.

import { SignedOut, graphql } from './api.js';
import { made } from './elements.js';
import { FOUND } from './patient-documents.js';
import { outside, write } from './text.js';
import { count } from './words.js';

const TYPING_PAUSE = 200; // ms after the last key before a search begins
const MOST_FOUND = 10;

export const called = ({ name, phone }) => `${outside(name)}, ${outside(phone)}`;

/** A choice of one among those of the same name. */
export const choice = (name, text, act, isChosen = false) =>
  made('label', {}, made('input', { type: 'radio', name, checked: isChosen, on: { change: act } }), made('span', { text }));

export class OtherPatient {
  /** `id` is that of the input, `label` what stands before it, `group` what those who are found are called, `hint`
   *  what is said at first. `onChoose(patient)`: with null as long as nobody is chosen; `onError(error)`. */
  constructor({ id, label, group, hint, onChoose, onError }) {
    Object.assign(this, { hint, onChoose, onError, patient: null, asked: 0 });
    this.search = made('input', {
      id, type: 'search', placeholder: 'Patient or phone', autocomplete: 'off', maxlength: 100,
      on: { input: () => this.typed() },
    });
    this.note = made('p', { class: 'muted', role: 'status' });
    this.found = made('div', { class: 'choices', role: 'radiogroup', 'aria-label': group });
    this.element = made('div', { class: 'entry' }, made('label', { for: id, text: label }), this.search, this.note, this.found);
  }

  /** Begin anew, for another one than this patient. */
  begin(patient) {
    this.patient = patient;
    this.asked += 1;
    this.search.value = '';
    this.found.replaceChildren();
    write(this.note, this.hint);
    this.onChoose(null);
  }

  typed() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.look(), TYPING_PAUSE);
  }

  async look() {
    const asked = (this.asked += 1);
    const search = this.search.value.trim();
    this.found.replaceChildren();
    this.onChoose(null);
    if (!search) return;
    try {
      const { patients } = await graphql(FOUND, { search, first: MOST_FOUND, after: null }, { isKept: false });
      if (asked !== this.asked) return;
      const others = patients.nodes.filter(({ id }) => id !== this.patient.id);
      write(this.note, others.length ? `${count(others.length, 'patient')} found.` : 'Nobody else is called so.');
      this.found.replaceChildren(...others.map((one) => choice('other', called(one), () => this.onChoose(one))));
    } catch (error) {
      if (asked !== this.asked) return;
      if (error instanceof SignedOut) return this.onError(error);
      write(this.note, error.code === 'BAD_USER_INPUT' ? 'Type at least 2 letters or digits.' : outside(error.message));
    }
  }
}
