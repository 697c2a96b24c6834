// One import: how far it is, the rows that did not come in, and undoing it.

import { follow, graphql } from '../api.js';
import { now } from '../clock.js';
import { outside, write } from '../text.js';
import { MEND_ROW, PROGRESS, REJECTS, UNDO_IMPORT } from './documents/import.js';
import { dayAndClock } from '../words.js';
import { button, made } from './fields.js';

export const STATES = {
  SENDING: 'A command is loading it',
  UPLOADED: 'Waits to be started',
  RUNNING: 'Rows are coming in',
  DONE: 'Done',
  UNDOING: 'Is being undone',
  UNDONE: 'Undone',
};
const FIGURES = [
  ['created', 'new'],
  ['updated', 'changed'],
  ['unchanged', 'unchanged'],
  ['alreadyOpen', 'with an open task already'],
  ['suppressed', 'not to be called'],
  ['booked', 'with an appointment'],
  ['rejected', 'rejected'],
];
const number = (value) => value.toLocaleString('en');

/** What came, or would come, of rows. */
export const figures = (job) =>
  FIGURES.filter(([name]) => job[name] || name === 'created')
    .map(([name, words]) => `${number(job[name])} ${words}`)
    .join(', ');

export class ImportJob {
  constructor({ job, again, say, onError }) {
    Object.assign(this, { job, say, onError, isOver: false });
    this.state = made('p', {});
    this.state.setAttribute('role', 'status');
    this.bar = made('progress', { max: job.total || 1, value: 0, ariaLabel: 'Rows decided on' });
    this.rejects = made('div', { className: 'wide', tabIndex: 0, role: 'region', ariaLabel: 'Rejected rows' });
    this.more = button('Show more rows', () => this.load().catch(onError), { hidden: true });
    this.undo = button('Undo this import', () => this.askToUndo(), { className: 'undo' });
    this.households = made('p', { role: 'status' });
    this.until = made('p', { className: 'muted' });
    this.error = made('p', { className: 'error', role: 'alert' });
    this.element = made(
      'div',
      { className: 'job' },
      made('h3', { text: outside(job.fileName) }),
      this.state,
      this.bar,
      this.households,
      this.rejects,
      this.more,
      this.error,
      made('div', { className: 'buttons' }, button('Import another file', again), this.undo),
      this.until,
    );
  }

  /** Nobody looks at it any more. */
  end() {
    this.isOver = true;
    this.stop?.abort();
  }

  async show() {
    this.draw(this.job);
    this.stop = new AbortController();
    await follow(PROGRESS, { id: this.job.id }, ({ importProgress }) => this.draw(importProgress), this.stop.signal);
    if (this.isOver) return;
    this.cursor = null;
    this.rejects.replaceChildren();
    await this.load();
  }

  draw(job) {
    this.job = job;
    const decided = FIGURES.reduce((sum, [name]) => sum + job[name], 0);
    this.bar.value = decided;
    this.bar.hidden = job.state !== 'RUNNING';
    const undone = `${number(job.takenBack)} tasks taken back`;
    const left = job.leftAlone ? `, ${number(job.leftAlone)} left because somebody has touched them since` : '';
    const words = { UNDOING: `: ${undone}`, UNDONE: `: ${undone}${left}` }[job.state] ?? `: ${figures(job)}`;
    write(this.state, `${STATES[job.state]}${words}.`);
    const isLate = job.undoUntil && Date.parse(job.undoUntil) < now();
    this.undo.hidden = isLate || !['RUNNING', 'DONE'].includes(job.state);
    write(this.until, job.undoUntil && !this.undo.hidden ? `It can be undone until ${dayAndClock(job.undoUntil)}.` : '');
  }

  async load() {
    const { importJob } = await graphql(REJECTS, { id: this.job.id, after: this.cursor });
    this.draw(importJob);
    const missing = importJob.missingGuarantors;
    const told = `Patients whose guarantor has not come in, or cannot answer for them: ${number(missing)}.`;
    write(this.households, missing ? told : '');
    const { nodes, pageInfo } = importJob.rejects;
    this.cursor = pageInfo.endCursor;
    this.more.hidden = !pageInfo.hasNextPage;
    if (!nodes.length) return;
    const columns = importJob.columns.filter(({ field }) => field).map(({ name }) => name);
    if (!this.rejects.firstChild) this.rejects.append(this.table(columns));
    this.rejects.querySelector('tbody').append(...nodes.map((row) => this.row(row, columns)));
  }

  table(columns) {
    const names = ['Line', 'What is wrong', ...columns.map(outside), 'Action'];
    const head = names.map((text) => made('th', { scope: 'col', text }));
    const caption = made('caption', { text: 'Rows that did not come in. Mend them and send them again.' });
    return made('table', {}, caption, made('thead', {}, made('tr', {}, ...head)), made('tbody'));
  }

  row({ line, cells, errors }, columns) {
    const inputs = columns.map((column) => {
      const value = cells.find((cell) => cell.column === column)?.value ?? '';
      return made('input', { name: column, value, ariaLabel: `${outside(column)}, line ${line}`, autocomplete: 'off' });
    });
    const wrong = made('td', { className: 'wrong' });
    wrong.setAttribute('role', 'status');
    const send = button('Send again', () => this.mend(line, inputs, element, wrong).catch(this.onError));
    send.ariaLabel = `Send line ${line} again`;
    const element = made(
      'tr',
      {},
      made('th', { scope: 'row', text: String(line) }),
      wrong,
      ...inputs.map((input) => {
        const cell = made('td', {}, input);
        cell.dataset.label = outside(input.name); // shown on a narrow screen, where the heads have no room
        return cell;
      }),
      made('td', {}, send),
    );
    this.mark(inputs, wrong, errors);
    for (const input of inputs) {
      input.onkeydown = (event) => event.key === 'Enter' && send.click();
    }
    return element;
  }

  mark(inputs, wrong, errors) {
    write(wrong, outside(errors.map(({ message }) => message).join(' ')));
    const named = new Set(errors.map(({ field }) => field?.at(-1)));
    for (const input of inputs) input.ariaInvalid = named.has(input.name) ? 'true' : null;
  }

  async mend(line, inputs, element, wrong) {
    const cells = inputs.map(({ name, value }) => ({ column: name, value }));
    const input = { importId: this.job.id, line, cells };
    const { result, job, errors } = (await graphql(MEND_ROW, { input })).mendImportRow;
    if (job) this.draw(job);
    this.mark(inputs, wrong, errors);
    if (errors.length) return inputs.find((each) => each.hasAttribute('aria-invalid'))?.focus();
    const next = element.nextElementSibling ?? element.previousElementSibling;
    (next?.querySelector('input') ?? this.undo).focus();
    element.remove();
    if (!this.rejects.querySelector('tbody tr')) this.rejects.replaceChildren();
    this.say(`Line ${line} is in: ${result.toLowerCase().replaceAll('_', ' ')}.`);
  }

  /** What it does is told before it is done. */
  askToUndo() {
    if (this.undo.dataset.asked) return this.takeBack().catch(this.onError);
    this.undo.dataset.asked = 'yes';
    write(this.undo, 'Withdraw its tasks now?');
    this.undo.onblur = () => {
      delete this.undo.dataset.asked;
      write(this.undo, 'Undo this import');
    };
  }

  async takeBack() {
    const { job, errors } = (await graphql(UNDO_IMPORT, { id: this.job.id })).undoImport;
    write(this.error, outside(errors.map(({ message }) => message).join(' ')));
    if (job) this.draw(job);
    if (!errors.length) await this.show();
  }
}
