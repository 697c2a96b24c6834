// How a patient is reached: other numbers, wrong ones, the language, and what the caller is to know. Loaded for
// patients of whom there is more to say than one number.

import { graphql } from './api.js';
import { button, made } from './elements.js';
import { outside } from './text.js';

const MARK = `mutation ($id: ID!, $number: String!, $isWrong: Boolean!) {
  markWrongNumber(patientId: $id, number: $number, isWrong: $isWrong) {
    patient { id phones { number display href kind isWrong } } errors { code message field }
  }
}`;

export const KINDS = { MOBILE: 'mobile', HOME: 'home', WORK: 'work', OTHER: 'other' };

/** A language's name in English, or its tag if the browser knows none. */
export function languageName(tag) {
  try {
    return new Intl.DisplayNames(['en'], { type: 'language' }).of(tag);
  } catch {
    return outside(tag);
  }
}

/** A line for a number. `mark(phone)` gives a button for it, or nothing. */
export function numberLine(phone, mark = () => null) {
  const text = outside(phone.display);
  const number = phone.isWrong ? made('s', { text, title: 'Wrong number' }) : made('a', { href: phone.href, text });
  const said = [phone.kind && KINDS[phone.kind], phone.isWrong && 'wrong number'].filter(Boolean).join(', ');
  return made('li', {}, number, said && made('span', { class: 'muted', text: ` ${said} ` }), mark(phone));
}

/** Fill the place in the dialog: what to know, and the numbers beside the one that is dialled. */
export function drawReach(place, { phones, language, callerNote }) {
  const dialled = phones.find(({ isWrong }) => !isWrong);
  const others = phones.filter((phone) => phone !== dialled);
  const lines = [
    callerNote && made('p', {}, made('strong', { text: outside(callerNote) })),
    language && made('p', { text: `Speaks ${languageName(language)}` }),
    others.length > 0 && made('ul', { class: 'phones', 'aria-label': 'Other numbers' }, ...others.map((phone) => numberLine(phone))),
  ].filter(Boolean);
  place.replaceChildren(...lines);
  place.hidden = lines.length === 0;
}

/** The button that marks a number as wrong, or as right again; `done()` is told when it is. */
export function markButton(patientId, phone, { done, say, onError }) {
  const [label, isWrong] = phone.isWrong ? ['Right after all', false] : ['Wrong number', true];
  const act = async () => {
    try {
      const { errors } = await mark(patientId, phone, isWrong);
      if (errors.length) say(outside(errors[0].message));
      done();
    } catch (error) {
      onError(error);
    }
  };
  return button(label, act, { about: outside(phone.display) });
}

async function mark(id, phone, isWrong) {
  return (await graphql(MARK, { id, number: phone.href, isWrong })).markWrongNumber;
}

/** The number that the open dialog shows is wrong: mark it, and offer the next one. */
export async function markDialled(dialog) {
  const { task } = dialog;
  const dialled = task.patient.phones.find(({ isWrong }) => !isWrong);
  if (!dialled) return;
  const { patient, errors } = await mark(task.patient.id, dialled, true);
  if (dialog.task?.id !== task.id) return;
  if (errors.length) dialog.notices.refuse('claim', errors);
  else dialog.rename({ ...dialog.task.patient, phones: patient.phones });
  dialog.draw();
}
