// The patients' page: looking for patients, and one of them with all that is known. Loaded when it is looked
// at first.

import { SignedOut, graphql } from './api.js';
import { button, made } from './elements.js';
import { CREATE, FOUND } from './patient-documents.js';
import { FormDialog } from './form-dialog.js';
import { CALLED, PatientPage } from './patient-page.js';
import { outside, write } from './text.js';
import { count } from './words.js';
import { CONTACT_STATUSES } from './workflow.js';

const HOME = '#/patients';
const TYPING_PAUSE = 200; // ms after the last key before a search begins
const PAGE = 30;

export class PatientsView {
  /** `say(words)`; `onError(error)`. */
  constructor(store, { say, onError }) {
    Object.assign(this, { store, say, onError, viewer: null, asked: 0 });
    this.element = document.getElementById('patients');
    document.head.append(made('link', { rel: 'stylesheet', href: 'dashboard/patients.css' }));
    this.search = made('input', {
      id: 'patients-search', type: 'search', placeholder: 'Patient or phone', autocomplete: 'off', maxlength: 100,
      on: { input: () => this.typed() },
    });
    const make = () => this.create.open('new', 'New patient', { name: this.search.value.trim() });
    this.add = button('New patient', make, { class: 'primary' });
    this.note = made('p', { class: 'muted', role: 'status' });
    this.list = made('ul', { class: 'found' });
    this.more = button('More patients', () => this.load(this.next), { hidden: true });
    this.finder = made(
      'div',
      { class: 'finder' },
      made('h1', { text: 'Patients' }),
      made(
        'div',
        { class: 'filters' },
        made('label', { class: 'unseen', for: 'patients-search', text: 'Search by patient or phone' }),
        this.search,
        this.add,
      ),
      this.note,
      this.list,
      this.more,
    );
    this.page = new PatientPage(store, { say, onError, goTo });
    this.element.replaceChildren(this.finder, this.page.element);
    this.create = new FormDialog({
      submit: 'Make patient', fields: CALLED, send: (values) => this.make(values), onError,
    });
  }

  get dialogs() {
    return [this.create, ...this.page.dialogs]; // some are loaded later
  }

  begin(viewer) {
    const isOther = this.viewer !== null && this.viewer.id !== viewer.id;
    this.viewer = viewer;
    this.add.hidden = !viewer.mayEditPatients;
    this.page.begin(viewer);
    if (isOther) this.forget();
    this.pending?.element.showModal();
    this.pending = null;
  }

  /** The session has ended: nothing stays on the screen, and what was typed is kept. */
  suspend() {
    this.pending = this.dialogs.find(({ element }) => element.open) ?? null;
    this.pending?.element.close();
    this.asked += 1;
    this.list.replaceChildren();
    write(this.note, '');
    this.page.clear();
  }

  /** The viewer has signed out: nothing of what was typed stays. */
  forget() {
    this.pending = null;
    this.search.value = '';
    for (const dialog of this.dialogs) dialog.fill(null, {});
  }

  /** The page is shown: one patient, if the address names one. */
  show() {
    if (!this.viewer) return;
    const id = location.hash.match(/^#\/patients\/([\w=+-]+)$/)?.[1] ?? null;
    this.finder.hidden = id !== null;
    if (id) return this.page.show(id);
    this.page.clear();
    this.load();
  }

  typed() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.load(), TYPING_PAUSE);
  }

  /** Read the first page, or the one after a cursor. The latest request counts. */
  async load(after = null) {
    const asked = (this.asked += 1);
    const search = this.search.value.trim();
    try {
      const { patients } = await graphql(FOUND, { search: search || null, first: PAGE, after }, { isKept: false });
      if (asked !== this.asked) return;
      const rows = patients.nodes.map(line);
      if (after) this.list.append(...rows);
      else this.list.replaceChildren(...rows);
      const { hasNextPage, endCursor } = patients.pageInfo;
      this.next = endCursor;
      this.more.hidden = !hasNextPage;
      this.tell(search, hasNextPage);
    } catch (error) {
      if (asked !== this.asked) return;
      if (error instanceof SignedOut) return this.onError(error);
      write(this.note, error.code === 'BAD_USER_INPUT' ? 'Type at least 2 letters or digits.' : outside(error.message));
    }
  }

  tell(search, hasMore) {
    const shown = this.list.childElementCount;
    const make = this.viewer.mayEditPatients;
    const found = `${count(shown, 'patient')}${hasMore ? ', and more' : ''}${search ? '' : ', the newest first'}.`;
    const retry = 'Nobody is called so. Try fewer letters, or the last four digits of the number';
    if (shown) write(this.note, found);
    else if (search) write(this.note, `${retry}${make ? '; or make a new patient' : ''}.`);
    else write(this.note, `No patients yet. They come with an import${make ? ', or you make one here' : ''}.`);
  }

  async make({ name, phone }) {
    const { patient, errors } = (await graphql(CREATE, { name, phone })).createPatient;
    if (errors.length) return errors;
    this.say(`${outside(patient.name)} was made.`);
    goTo(patient.id);
    return [];
  }
}

/** Show a patient; `instead` of the one in the address, which is not in the history then. */
function goTo(id, { instead = false } = {}) {
  const address = `${HOME}/${id}`;
  if (instead) history.replaceState(null, '', address);
  else location.hash = address;
}

function line({ id, name, phone, contactStatus, tasks }) {
  const open = tasks.nodes.length;
  const told = open ? `${tasks.pageInfo.hasNextPage ? `${open} or more` : open} open` : 'Nothing open';
  const isBarred = contactStatus !== 'OK';
  return made(
    'li', {},
    made('a', { href: `${HOME}/${id}`, text: outside(name) }),
    made('span', { text: outside(phone) }),
    isBarred ? made('small', { class: 'standing', text: CONTACT_STATUSES[contactStatus] }) : made('small', { text: told }),
  );
}
