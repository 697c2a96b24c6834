// A form in a dialog. What was typed stays through refusals, through closing it, and through the end of the
// session; it goes when it was sent, or when the form is opened for something else.

import { SignedOut } from './api.js';
import { button, made } from './elements.js';
import { outside, write } from './text.js';

await new Promise((done) => {
  const href = 'dashboard/form-dialog.css';
  document.head.append(made('link', { rel: 'stylesheet', href, on: { load: done, error: done } }));
});

let numbers = 0;

export class FormDialog {
  /** `fields`: name, label, and how it is entered: `tag`, attributes, and a `hint`. `send(values)` gives the
   *  errors of the server, none if it was done; `onError(error)` is told that the session has ended. */
  constructor({ submit, fields, send, onError }) {
    Object.assign(this, { submit, send, onError });
    this.number = (numbers += 1);
    this.inputs = {};
    this.title = made('h2', { id: `form-${this.number}` });
    this.notice = made('div', { class: 'notice wrong', role: 'alert', hidden: true });
    this.button = made('button', { class: 'primary', text: submit });
    this.form = made(
      'form',
      { novalidate: true, on: { submit: (event) => this.submitted(event), input: ({ target }) => this.mended(target) } },
      this.title,
      this.notice,
      ...fields.map((field) => this.field(field)),
      made('p', { class: 'toast', role: 'status' }),
      made('div', { class: 'buttons' }, this.button, button('Cancel', () => this.element.close())),
    );
    this.element = made('dialog', { class: 'form-dialog', 'aria-labelledby': this.title.id }, this.form);
    document.body.append(this.element);
  }

  field({ name, label, hint = '', tag = 'input', ...attributes }) {
    const id = `form-${this.number}-${name}`;
    const input = made(tag, { id, name, 'aria-describedby': `${id}-hint`, autocomplete: 'off', ...attributes });
    this.inputs[name] = input;
    input.hint = hint;
    return made(
      'div',
      { class: 'entry' },
      made('label', { for: id, text: label }),
      input,
      made('p', { id: `${id}-hint`, class: 'muted', text: hint }),
    );
  }

  /** Open it for something, of which `about` is the id. What was typed for the same stays. */
  open(about, title, values = {}) {
    write(this.title, title);
    if (this.about !== about) this.fill(about, values);
    this.element.showModal();
    Object.values(this.inputs)[0]?.focus();
  }

  fill(about, values) {
    Object.assign(this, { about, attempt: null });
    for (const [name, input] of Object.entries(this.inputs)) input.value = values[name] ?? '';
    this.tell([]);
  }

  get values() {
    return Object.fromEntries(Object.entries(this.inputs).map(([name, input]) => [name, input.value]));
  }

  /** Show what is wrong, beside its field or above all of them. */
  tell(errors) {
    const fieldOf = ({ field }) => this.inputs[field?.at(-1)];
    for (const input of Object.values(this.inputs)) {
      const error = errors.find((one) => fieldOf(one) === input);
      const hint = document.getElementById(`${input.id}-hint`);
      write(hint, error ? outside(error.message) : input.hint);
      hint.classList.toggle('error', Boolean(error));
      if (error) input.setAttribute('aria-invalid', 'true');
      else input.removeAttribute('aria-invalid');
    }
    const others = errors.filter((one) => !fieldOf(one));
    this.notice.hidden = !others.length;
    this.notice.replaceChildren(...others.map(({ message }) => made('p', { text: outside(message) })));
    Object.values(this.inputs).find((input) => input.hasAttribute('aria-invalid'))?.focus();
  }

  mended(input) {
    if (!input.hasAttribute?.('aria-invalid')) return;
    input.removeAttribute('aria-invalid');
    const hint = document.getElementById(`${input.id}-hint`);
    write(hint, input.hint);
    hint.classList.remove('error');
  }

  async submitted(event) {
    event.preventDefault();
    if (this.button.disabled) return;
    this.button.disabled = true;
    write(this.button, 'Sending …');
    const { about } = this;
    try {
      const errors = await this.send(this.values);
      if (this.about !== about) return;
      if (errors.length) return this.tell(errors);
      this.fill(null, {});
      this.element.close();
    } catch (error) {
      if (error instanceof SignedOut) this.onError(error);
      else this.tell([{ message: `Not done. What you typed is kept; try again. ${error.message}` }]);
    } finally {
      this.button.disabled = false;
      write(this.button, this.submit);
    }
  }
}
