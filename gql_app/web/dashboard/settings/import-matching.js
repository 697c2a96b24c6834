// Matches the columns of a file with fields, and shows what would come of it.

import { graphql } from '../api.js';
import { outside } from '../text.js';
import { count } from '../words.js';
import { PREVIEW, START_IMPORT } from './documents/import.js';
import { button, ending, field, made, sending, showErrors } from './fields.js';
import { figures } from './import-job.js';

const FIELDS = {
  EXTERNAL_ID: 'Task number',
  PATIENT_EXTERNAL_ID: 'Patient number',
  NAME: 'Name',
  FIRST_NAME: 'First name',
  LAST_NAME: 'Last name',
  PHONE: 'Phone',
  OTHER_PHONE: 'Another phone',
  REASON: 'Reason for the call',
  ORIGIN: 'Origin',
  FOLLOW_UP: 'Follow-up date',
  EXPIRES_AT: 'Expires at',
  GUARANTOR_EXTERNAL_ID: 'Number of the guarantor',
  LANGUAGE: 'Language',
  CALLER_NOTE: 'For the caller',
};

export class ImportMatching {
  /** `started(job)` is called with the import once it has begun, `again()` to choose another file. */
  constructor({ job, queues, source, started, again, say, onError }) {
    Object.assign(this, { job, started, say, onError, selects: null });
    this.queue = made('select', {}, ...queues.map(({ id, name }) => made('option', { value: id, text: name })));
    this.source = made('input', { value: source, maxLength: 100, autocomplete: 'off' });
    this.columns = made('div', { className: 'wide', tabIndex: 0, role: 'region', ariaLabel: 'Columns' });
    this.outlook = made('div', { className: 'outlook' });
    this.outlook.setAttribute('role', 'status');
    this.form = made(
      'form',
      {},
      made('p', { text: `File: ${outside(job.fileName)}` }),
      field('queueId', 'Queue', this.queue, 'Where the tasks go.'),
      field('source', 'Source', this.source, 'Whose numbers are in the file, such as the name of your practice software: the same each time. A task comes in once for each source and number.'),
      this.columns,
      this.outlook,
      ...ending('Start the import', button('Choose another file', again)),
    );
    this.element = this.form;
    this.queue.onchange = () => this.changed();
    // Another source may have been matched otherwise.
    this.source.onchange = () => this.changed(true);
    sending(this.form, () => this.start(), onError);
  }

  input(guess) {
    const { job, queue, source, selects } = this;
    const input = { importId: job.id, queueId: queue.value, source: source.value };
    if (selects && !guess) {
      const chosen = [...selects].filter(([, { value }]) => value);
      input.matching = chosen.map(([column, { value }]) => ({ column, field: value }));
    }
    return input;
  }

  changed(guess = false) {
    this.look(guess).catch(this.onError);
  }

  /** Ask what would come of the file as it is matched now; as it is guessed at first. */
  async look(guess = false) {
    const twice = guess ? null : this.twice();
    if (twice) return this.refuse(twice);
    const asked = (this.asked = (this.asked ?? 0) + 1);
    const { importPreview: preview } = await graphql(PREVIEW, { input: this.input(guess) });
    if (asked !== this.asked) return; // something else was chosen meanwhile
    if (!preview) return this.refuse('The file is not there any more: send it again.');
    if (!this.selects || guess) this.drawColumns(preview);
    this.drawOutlook(preview);
    showErrors(this.form, preview.errors);
  }

  refuse(message) {
    this.outlook.replaceChildren();
    showErrors(this.form, [{ message }]);
  }

  /** What is wrong if a field is chosen for two columns. */
  twice() {
    const seen = new Set();
    for (const { value } of this.selects?.values() ?? []) {
      if (value && seen.has(value)) return `Two columns are matched with “${FIELDS[value]}”.`;
      seen.add(value);
    }
    return null;
  }

  drawColumns({ columns, samples }) {
    this.selects = new Map();
    const rows = columns.map(({ name, field: meant, guessed }, place) => {
      const options = Object.entries(FIELDS).map(([value, text]) => made('option', { value, text }));
      const select = made('select', {}, made('option', { value: '', text: 'Not used' }), ...options);
      select.value = meant ?? '';
      select.ariaLabel = `Column ${outside(name)}`;
      select.onchange = () => this.changed();
      this.selects.set(name, select);
      const shown = samples.map(({ cells }) => cells[place].value).filter(Boolean).slice(0, 3);
      return made(
        'tr',
        {},
        made('th', { scope: 'row', text: outside(name) }),
        made('td', {}, select, made('span', { className: 'muted', text: guessed ? ' guessed' : '' })),
        made('td', { className: 'muted', text: outside(shown.join(' · ')) }),
      );
    });
    const head = ['Column', 'Means', 'For example'].map((text) => made('th', { scope: 'col', text }));
    this.columns.replaceChildren(
      made('table', {}, made('thead', {}, made('tr', {}, ...head)), made('tbody', {}, ...rows)),
    );
  }

  drawOutlook(preview) {
    this.outlook.replaceChildren();
    if (preview.errors.length) return;
    const of = preview.lookedAt < preview.total ? `Of the first ${preview.lookedAt} of ${preview.total} rows: ` : '';
    this.outlook.append(made('p', { text: `${of}${figures(preview)}` }));
    const wrong = preview.rejects.map(({ line, errors }) =>
      made('li', { text: outside(`Line ${line}: ${errors.map(({ message }) => message).join(' ')}`) }),
    );
    const more = preview.rejected - wrong.length;
    if (wrong.length && more > 0) wrong.push(made('li', { text: `And ${count(more, 'more row')}: each can be mended once the import has run.` }));
    if (wrong.length) this.outlook.append(made('ul', {}, ...wrong));
  }

  async start() {
    const twice = this.twice();
    if (twice) return [{ message: twice }];
    const { job, errors } = (await graphql(START_IMPORT, { input: this.input() })).startImport;
    if (!errors.length) await this.started(job);
    return errors;
  }
}
