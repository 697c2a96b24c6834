// The practice: what it is called, whose days count, how its numbers are written, for how long one may undo, and
// when patients may be called.

import { graphql } from '../api.js';
import { outside, write } from '../text.js';
import { CallingHours } from './calling-hours.js';
import { PRACTICE, UPDATE_PRACTICE } from './documents/practice.js';
import { ending, field, made, sending, showErrors } from './fields.js';

export class Section {
  constructor({ say, onError }) {
    Object.assign(this, { say, onError });
    this.slug = made('p', { className: 'muted' });
    this.form = this.makeForm();
    this.form.hidden = true; // until it is filled
    this.element = made(
      'section',
      { ariaLabel: 'Practice' },
      made('h2', { text: 'Practice' }),
      this.slug,
      this.form,
    );
    this.form.addEventListener('input', () => (this.isTyped = true));
    sending(this.form, () => this.send(), onError);
  }

  makeForm() {
    this.hours = new CallingHours();
    const zones = made('datalist', { id: 'zones' });
    zones.append(...(Intl.supportedValuesOf?.('timeZone') ?? []).map((value) => made('option', { value })));
    const zone = made('input', { autocomplete: 'off', spellcheck: false });
    zone.setAttribute('list', zones.id);
    return made(
      'form',
      {},
      field('name', 'Name', made('input', { maxLength: 200 }), 'Everybody at the practice sees it.'),
      field('timeZone', 'Time zone', zone, 'Whose days count: a follow-up is due on a day here. Such as America/Chicago.'),
      field(
        'region',
        'Region',
        made('input', { maxLength: 10, size: 6, autocomplete: 'off' }),
        'Whose telephone numbers need no country code. Two letters, such as US, CA or GB.',
      ),
      field(
        'restHours',
        'Rest after a call',
        made('input', { maxLength: 10, size: 6, autocomplete: 'off', inputMode: 'numeric' }),
        'For how many hours a patient who was called is not offered as next task. Empty: until the day ends. 0: not at all.',
      ),
      field(
        'undoMinutes',
        'Undo, in minutes',
        made('input', { type: 'number', min: 0, max: 120, step: 1 }),
        'For how long those who have logged a contact may undo it, up to 120. With 0 only supervisors may.',
      ),
      this.hours.element,
      zones,
      ...ending('Save'),
    );
  }

  async show() {
    if (this.isTyped) return; // somebody looked at another section meanwhile
    const { practice } = await graphql(PRACTICE);
    if (this.isTyped) return; // while the answer was on its way
    this.draw(practice);
    showErrors(this.form, []);
  }

  draw(practice) {
    this.isTyped = this.form.hidden = false;
    for (const name of ['name', 'timeZone', 'region', 'restHours', 'undoMinutes']) {
      this.form.elements[name].value = practice[name] ?? '';
    }
    this.hours.draw(practice);
    write(this.slug, `Its short name, for commands: ${outside(practice.slug)}`);
  }

  async send() {
    const { name, timeZone, region, restHours, undoMinutes } = this.form.elements;
    const rest = restHours.value.trim();
    if (!/^\d{0,5}$/.test(rest)) return [{ field: ['input', 'restHours'], message: 'A number of hours, or nothing.' }];
    const { errors: wrong, ...hours } = this.hours.read();
    if (wrong.length) return wrong;
    const input = {
      ...hours,
      name: name.value,
      timeZone: timeZone.value,
      region: region.value,
      restHours: rest === '' ? null : Number(rest),
      undoMinutes: undoMinutes.value === '' ? null : Math.trunc(undoMinutes.value),
    };
    const { practice, errors } = (await graphql(UPDATE_PRACTICE, { input })).updatePractice;
    if (errors.length) return this.hours.placed(errors);
    this.draw(practice);
    this.say('Saved. Everybody sees it at once.');
    return [];
  }
}
