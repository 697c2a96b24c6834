// Imports: choose a file, match its columns, see what would come of it, and follow what does.

import { graphql, sendFile } from '../api.js';
import { outside } from '../text.js';
import { dayAndClock } from '../words.js';
import { IMPORTS } from './documents/import.js';
import { button, ending, field, made, sending } from './fields.js';
import { ImportJob, STATES, figures } from './import-job.js';
import { ImportMatching } from './import-matching.js';

const TEACHING = 'Save a report of your practice software, or a spreadsheet, as CSV or Excel: a line for each patient, with ' +
  'name, phone and why to call. You see what would come of it before anything is done, and can undo it for a day.';
const LARGEST = 20_000_000;

export class Section {
  constructor({ say, onError }) {
    Object.assign(this, { say, onError });
    this.element = made('section', { ariaLabel: 'Import', className: 'import' });
  }

  async show() {
    if (!this.view) await this.begin();
  }

  /** Show the files that came before, and ask for one. */
  async begin() {
    this.view?.end?.();
    const { queues, importJobs } = await graphql(IMPORTS);
    Object.assign(this, { queues, jobs: importJobs.nodes });
    this.draw(this.chooser(), this.earlier());
    this.view = {};
  }

  draw(...parts) {
    const title = made('h2', { text: 'Import', tabIndex: -1 });
    this.element.replaceChildren(title, ...parts);
    if (this.view) title.focus(); // what was pressed is gone
  }

  chooser() {
    const file = made('input', { type: 'file', accept: '.csv,.tsv,.txt,.xlsx' });
    const hint = 'CSV or Excel (.xlsx), up to 20 MB. The first line names the columns; you match them next.';
    const form = made('form', {}, field('file', 'A list of patients to call', file, hint), ...ending('Look at the file'));
    sending(form, () => this.choose(file.files[0]), this.onError);
    return form;
  }

  async choose(file) {
    if (!file) return [{ message: 'Choose a file.', field: ['file'] }];
    if (file.size > LARGEST) return [{ message: 'The file is larger than 20 MB: send it in parts.', field: ['file'] }];
    const { id, errors } = await sendFile(`imports?name=${encodeURIComponent(file.name)}`, file);
    if (errors) return errors.map(({ message }) => ({ message, field: ['file'] }));
    await this.match({ id, fileName: file.name });
    return [];
  }

  async match(job) {
    const source = this.jobs.find((each) => each.source)?.source ?? 'import';
    const { queues, say, onError } = this;
    const again = () => this.begin().catch(onError);
    const started = (begun) => this.follow(begun);
    this.view = new ImportMatching({ job, queues, source, started, again, say, onError });
    await this.view.look();
    this.draw(this.view.element);
  }

  async follow(job) {
    const { say, onError } = this;
    const again = () => this.begin().catch(onError);
    this.view = new ImportJob({ job, again, say, onError });
    this.draw(this.view.element);
    await this.view.show();
  }

  earlier() {
    if (!this.jobs.length) {
      return made('div', { className: 'empty' }, made('p', { text: `Nothing has been imported yet. ${TEACHING}` }));
    }
    const rows = this.jobs.map((job) => {
      const open = button('Open', () => this.open(job).catch(this.onError));
      open.ariaLabel = `Open ${outside(job.fileName)}`;
      return made(
        'tr',
        {},
        made('th', { scope: 'row', text: outside(job.fileName) }),
        made('td', { text: dayAndClock(job.createdAt) }),
        made('td', { text: job.queue ? outside(job.queue.name) : '' }),
        made('td', { text: job.state === 'DONE' ? figures(job) : STATES[job.state] }),
        made('td', {}, open),
      );
    });
    const head = ['File', 'Sent', 'Queue', 'What came of it', 'Action'].map((text) => made('th', { scope: 'col', text }));
    const caption = made('caption', { text: 'Earlier imports' });
    const table = made('table', {}, caption, made('thead', {}, made('tr', {}, ...head)), made('tbody', {}, ...rows));
    return made('div', { className: 'wide', tabIndex: 0, role: 'region', ariaLabel: 'Earlier imports' }, table);
  }

  open(job) {
    return job.state === 'UPLOADED' ? this.match(job) : this.follow(job);
  }
}
