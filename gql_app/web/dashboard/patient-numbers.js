// What more is said of a patient in the form that edits them: other numbers, a line each with their kind before
// them, the language, and what the caller is to know.

import { KINDS } from './reach.js';

const HOW = 'A line each, in their order; “work” or another kind may stand before it.';

/** The fields beside those of what a patient is called. */
export const MORE = [
  { name: 'phoneKind', label: 'Kind of this number', tag: 'select' },
  { name: 'otherPhones', label: 'Other numbers', tag: 'textarea', rows: 3, hint: HOW },
  { name: 'language', label: 'Language', maxlength: 50, size: 8, hint: 'A tag such as es, pt-BR or zh-Hant.' },
  { name: 'callerNote', label: 'For the caller', tag: 'textarea', rows: 2, maxlength: 600, hint: 'Such as “call the daughter”. Shown with each call.' },
];

export function fillKinds(select) {
  const options = [['', 'Not known'], ...Object.entries(KINDS)];
  select.replaceChildren(...options.map(([kind, words]) => new Option(words, kind)));
}

/** What of the `values` is another than it was, as it is sent. */
export function changes(values, base) {
  const changed = Object.entries(values).filter(([name, value]) => value !== base[name]);
  const { phoneKind, otherPhones, ...input } = Object.fromEntries(changed);
  if (phoneKind) input.phoneKind = phoneKind;
  if (otherPhones !== undefined) input.otherPhones = readNumbers(otherPhones);
  return input;
}

/** An error of the server, so that it names the control here. */
export const placed = (error) => (error.field?.includes('otherPhones') ? { ...error, field: ['otherPhones'] } : error);

/** What the form that edits a patient begins with. */
export function entered({ name, phone, phones, language, callerNote, merges }) {
  const merged = new Set(merges.map((merge) => merge.merged.phone));
  const [own, ...others] = phones;
  const lines = others
    .filter(({ display }) => !merged.has(display)) // those go with the merge
    .map(({ kind, display }) => (kind ? `${KINDS[kind]} ${display}` : display));
  return {
    ...{ name, phone, phoneKind: own?.kind ?? '', otherPhones: lines.join('\n') },
    ...{ language: language ?? '', callerNote: callerNote ?? '' },
  };
}

/** What was typed for the other numbers, as it is sent. */
function readNumbers(typed) {
  const lines = typed.split('\n').map((line) => line.trim());
  return lines.filter(Boolean).map((line) => {
    const [first, ...rest] = line.split(/[\s:]+/);
    const kind = Object.keys(KINDS).find((one) => KINDS[one] === first.toLowerCase());
    return kind ? { number: rest.join(' '), kind } : { number: line, kind: null };
  });
}
