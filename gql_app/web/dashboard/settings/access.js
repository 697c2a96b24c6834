// What people and keys have in common on the page: roles and queues to choose, what is shown once, and a
// list whose rows open in place.

import { outside, write } from '../text.js';
import { button, field, made } from './fields.js';

export const ROLES = {
  STAFF: ['Staff', 'Sees the queues and calls patients.'],
  SUPERVISOR: ['Supervisor', 'Also makes, moves, withdraws and imports tasks, and sees the figures.'],
  ADMIN: ['Admin', 'Also sees to the practice, its queues, people, keys and the audit.'],
  PARTNER: ['Partner', "For another company's program: reads tasks, but neither notes nor who works."],
};

/** A choice of role, with what it means. */
export function roleField(roles, chosen = 'STAFF', onChange = () => {}) {
  const options = roles.map((value) => made('option', { value, text: ROLES[value][0] }));
  const select = made('select', {}, ...options);
  select.value = chosen;
  const whole = field('role', 'Role', select);
  const tell = () => {
    write(whole.querySelector('.muted'), ROLES[select.value][1]);
    onChange(select.value);
  };
  select.addEventListener('change', tell);
  tell();
  return whole;
}

/** A choice of queues: all of them, or some. */
export function queuesField(queues, chosen = null) {
  const boxes = queues.map(({ id, name }) => {
    const box = made('input', { type: 'checkbox', value: id, checked: chosen?.some((one) => one.id === id) ?? false });
    return made('label', { className: 'check' }, box, made('span', { text: outside(name) }));
  });
  const some = made('div', { className: 'some' }, ...boxes);
  const radios = [['all', 'All queues, later ones too'], ['some', 'Only these:']].map(([value, text]) => {
    const radio = made('input', { type: 'radio', value, checked: (value === 'some') === (chosen !== null) });
    radio.name = 'limit';
    return made('label', { className: 'check' }, radio, made('span', { text }));
  });
  const old = (chosen ?? []).filter(({ id }) => !queues.some((queue) => queue.id === id));
  const kept = `They may also see ${queuesInWords(old)}, which is archived. If you change the queues here, they no longer do.`;
  const set = made('fieldset', { name: 'queueIds', id: `queues-${++fieldsets}`, tabIndex: -1 });
  set.append(
    made('legend', { text: 'Queues' }),
    ...radios,
    some,
    ...(old.length ? [made('p', { className: 'muted', text: kept })] : []),
    made('p', { id: `${set.id}-error`, className: 'error' }),
  );
  set.setAttribute('aria-describedby', `${set.id}-error`);
  const look = () => (some.hidden = set.querySelector('[name=limit]:checked').value === 'all');
  set.addEventListener('change', look);
  look();
  return set;
}

let fieldsets = 0;

/** The queues that are chosen in a form; null for all. */
export function queuesOf(form) {
  if (form.elements.limit.value === 'all') return null;
  return [...form.querySelectorAll('.some input:checked')].map((box) => box.value);
}

export const queuesInWords = (queues) =>
  queues === null ? 'all queues' : queues.map(({ name }) => outside(name)).join(', ') || 'no queue';

/** A button that opens a form in its place, and below it what is shown only once. */
export class Top {
  /** `makeForm()` gives the form; `say(words)`. */
  constructor(label, makeForm, say) {
    Object.assign(this, { label, makeForm, say });
    this.place = made('div');
    this.once = made('div', { className: 'onces' });
    this.offer();
  }

  get elements() {
    return [this.place, this.once];
  }

  offer() {
    this.place.replaceChildren(button(this.label, () => this.open(), { className: 'primary' }));
  }

  open() {
    const form = this.makeForm();
    form.setAttribute('aria-label', this.label);
    this.place.replaceChildren(form);
    form.elements.name.focus();
  }

  back() {
    this.offer();
    this.focus();
  }

  focus() {
    this.place.querySelector('.primary').focus();
  }

  /** Show what can be seen only now, to be copied: { title, value, label, note }. */
  show(told) {
    const panel = onceShown(told, this.say, () => {
      panel.remove();
      this.focus();
    });
    this.once.append(panel);
    panel.focus();
  }
}

function onceShown({ title, value, label, note }, say, close) {
  const input = made('input', { readOnly: true, value, autocomplete: 'off', spellcheck: false });
  input.setAttribute('aria-label', label);
  input.addEventListener('focus', () => input.select());
  const copy = button('Copy', async () => {
    try {
      await navigator.clipboard.writeText(value);
      say('Copied.');
    } catch {
      input.focus(); // without TLS there is no clipboard for pages
      say('Press Ctrl+C to copy it.');
    }
  }, { className: 'primary' });
  const panel = made(
    'div',
    { className: 'once', tabIndex: -1 },
    made('h3', { text: title }),
    made('div', { className: 'copied' }, input, copy),
    made('p', { className: 'muted', text: note }),
    made('div', { className: 'buttons' }, button('Done', close)),
  );
  panel.setAttribute('role', 'group');
  panel.setAttribute('aria-label', title);
  return panel;
}

/** A row: what it is about, what is said of it, and what can be done. */
export function row(title, notes, ...buttons) {
  const text = made('div', {}, made('strong', { text: title }), ...notes.map((note) => made('small', { text: note })));
  return made('li', {}, text, made('div', { className: 'buttons' }, ...buttons));
}

/** A button that belongs to one row: its name says to which. `words` is one text, or a short one and what
 *  comes before the name. */
export function rowButton(words, what, act) {
  const [shown, named = shown] = [words].flat();
  const made = button(shown, act);
  made.setAttribute('aria-label', `${named} ${what}`);
  return made;
}

/** Ask in place of a row whether something is to be done. */
export function question(words, label, { yes, no }) {
  const act = button(label, yes, { className: 'primary' });
  const asked = made('div', { className: 'asked' }, made('p', { text: words }), made('div', { className: 'buttons' }, act, button('Cancel', no)));
  asked.setAttribute('role', 'group');
  asked.setAttribute('aria-label', label);
  return made('li', {}, asked);
}

/** Put other rows into a list, and leave the focus where it is: in a row that is kept, or on the
 *  button that is called the same. */
export function redraw(list, rows) {
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  list.replaceChildren(...rows);
  if (!focused) return;
  const isSame = (each) => each.getAttribute('aria-label') === focused.getAttribute('aria-label');
  (focused.isConnected ? focused : [...list.querySelectorAll('button')].find(isSame))?.focus();
}
