// What the sections share: labelled controls, and what the server says of each.

import { outside, write } from '../text.js';

let numbers = 0;

/** A new element with properties, a text of its own, and children. */
export function made(name, { text = '', ...properties } = {}, ...children) {
  const element = document.createElement(name);
  write(element, text);
  Object.assign(element, properties);
  element.append(...children);
  return element;
}

/** A button that does not send a form. */
export const button = (text, act, properties = {}) =>
  made('button', { type: 'button', text, onclick: act, ...properties });

/** A labelled control, with a hint and a place for what is wrong. `name` is the argument's in GraphQL. */
export function field(name, label, control, hint = '') {
  const id = `setting-${++numbers}`;
  Object.assign(control, { id, name });
  control.setAttribute('aria-describedby', `${id}-hint ${id}-error`);
  const isChecked = control.type === 'checkbox';
  const labelled = made('label', { htmlFor: id, text: label });
  if (isChecked) labelled.prepend(control, ' ');
  const parts = isChecked ? [labelled] : [labelled, control];
  return made(
    'div',
    { className: 'field' },
    ...parts,
    made('p', { id: `${id}-hint`, className: 'muted', text: hint }),
    made('p', { id: `${id}-error`, className: 'error' }),
  );
}

/** Show errors of a payload beside the controls of a form that they name, the others at its end. The first
 *  control that is wrong gets the focus. Whether there are any. */
export function showErrors(form, errors) {
  const rest = [];
  let first = null;
  for (const control of form.elements) {
    const place = form.querySelector(`#${CSS.escape(control.id || 'none')}-error`);
    if (!place) continue;
    const mine = errors.filter((error) => error.field?.at(-1) === control.name);
    write(place, mine.map(({ message }) => outside(message)).join(' '));
    if (mine.length) control.setAttribute('aria-invalid', 'true');
    else control.removeAttribute('aria-invalid');
    if (mine.length) first ??= control;
  }
  for (const error of errors) {
    if (!form.elements.namedItem(error.field?.at(-1) ?? '')) rest.push(outside(error.message));
  }
  write(form.querySelector('.rest'), rest.join(' '));
  first?.focus();
  return errors.length > 0;
}

/** The end of a form: what is wrong as a whole, and the button that sends it. */
export const ending = (label, ...more) => [
  made('p', { className: 'error rest', role: 'alert' }),
  made('div', { className: 'buttons' }, made('button', { className: 'primary', text: label }), ...more),
];

/** A form whose `send()` gives the errors of a payload. While it is sent nothing else can be. */
export function sending(form, send, onError) {
  form.noValidate = true; // the server says what is wrong, in one place for all ways in
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const primary = form.querySelector('.primary');
    if (primary.disabled) return;
    primary.disabled = true;
    try {
      showErrors(form, await send());
    } catch (error) {
      onError(error);
    } finally {
      primary.disabled = false;
    }
  });
}

/** What is said when no answer came in time (`TimedOut`). */
export const mayStill = ({ message }, doing) => `${message} It may still be ${doing}: look again in some minutes.`;
