// The audit, for admins: who read or changed which patient's data, a page at a time, newest first.

import { graphql } from './api.js';
import { row } from './chart.js';
import { AUDIT, PATIENTS } from './documents.js';
import { outside, write } from './text.js';
import { count, dayAndClock, today } from './words.js';

const ACTIONS = {
  READ: 'Read',
  DELIVERY: 'Sent live',
  CHANGE: 'Changed',
  REFUSED: 'Refused',
  SIGN_IN: 'Sign-in',
  SIGN_OUT: 'Sign-out',
  EXPORT: 'Exported',
  KEY: 'Key',
  SETTING: 'Setting',
};
const MOST_FOUND = 10;

const part = (id) => document.getElementById(`audit-${id}`);

export class AuditView {
  /** `onError(error)`. */
  constructor({ onError }) {
    this.onError = onError;
    this.clear();
    part('form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.search();
    });
    for (const id of ['from', 'to']) part(id).addEventListener('change', () => this.load());
    part('more').addEventListener('click', () => this.load(this.next));
    for (const who of ['patient', 'staff']) {
      part(`any-${who}`).addEventListener('click', () => this.narrow(who, null));
    }
  }

  /** Nothing of it stays on the screen. */
  clear() {
    Object.assign(this, { patient: null, staff: null, next: null, asked: (this.asked ?? 0) + 1 });
    for (const id of ['rows', 'found']) part(id).replaceChildren();
    for (const id of ['patient', 'from', 'to']) part(id).value = '';
    this.drawFilter();
    write(part('note'), '');
    part('more').hidden = true;
  }

  /** The page is shown. */
  show() {
    for (const id of ['from', 'to']) part(id).value ||= today();
    this.load();
  }

  /** Look for the patients that the text names; the audit of one is shown at once. */
  async search() {
    const search = part('patient').value.trim();
    part('found').replaceChildren();
    if (!search) return this.narrow('patient', null);
    try {
      const { tasks } = await graphql(PATIENTS, { search });
      const found = new Map(tasks.nodes.map(({ patient }) => [patient.id, patient]));
      if (found.size === 1) return this.narrow('patient', [...found.values()][0]);
      write(part('note'), found.size ? 'Choose one of these patients.' : 'No patient is called so.');
      const choices = [...found.values()].slice(0, MOST_FOUND);
      part('found').replaceChildren(...choices.map((patient) => this.button('patient', patient)));
    } catch (error) {
      this.onError(error);
    }
  }

  /** Show the rows of one patient, or of what one person did; of all with null. */
  narrow(who, one) {
    this[who] = one;
    part('found').replaceChildren();
    part('patient').value = '';
    this.drawFilter();
    this.load();
  }

  drawFilter() {
    for (const who of ['patient', 'staff']) {
      part(`any-${who}`).hidden = !this[who];
      write(part(`any-${who}`), this[who] ? `Only ${outside(this[who].name)} ✕` : '');
    }
  }

  /** Which rows are asked for. */
  filter() {
    const dates = { from: part('from').value || null, to: part('to').value || null };
    return { ...dates, patientId: this.patient?.id ?? null, staffId: this.staff?.id ?? null };
  }

  /** Read the first page, or the one after a cursor. The latest request counts. */
  async load(after = null) {
    const asked = ++this.asked;
    try {
      const { audit } = await graphql(AUDIT, { ...this.filter(), after });
      if (asked !== this.asked) return;
      const rows = audit.nodes.map((entry) => this.row(entry));
      if (after) part('rows').append(...rows);
      else part('rows').replaceChildren(...rows);
      const { hasNextPage, endCursor } = audit.pageInfo;
      this.next = endCursor;
      part('more').hidden = !hasNextPage;
      const shown = part('rows').childElementCount;
      write(part('note'), shown ? `${count(shown, 'row')}${hasNextPage ? ', and earlier ones' : ''}` : 'No rows.');
    } catch (error) {
      if (asked === this.asked) this.onError(error);
    }
  }

  row(entry) {
    const { at, action, operation, detail, address, result, notes, staff, patient } = entry;
    const what = [ACTIONS[action], operation, notes && 'with notes', detail].filter(Boolean).join(', ');
    const made = row(
      ['th', dayAndClock(at)], ['td', staff ? '' : 'Nobody'], ['td', what], ['td', ''],
      ['td', address ?? ''], ['td', result === 'OK' ? '' : result],
    );
    if (staff) made.cells[1].append(this.button('staff', staff));
    if (patient) made.cells[3].append(this.button('patient', patient));
    return made;
  }

  button(who, one) {
    const made = document.createElement('button');
    made.type = 'button';
    write(made, outside(one.name));
    made.addEventListener('click', () => this.narrow(who, one));
    return made;
  }
}
