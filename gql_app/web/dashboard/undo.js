// The offer to take back what was logged a moment ago, on all tasks that the call was for: for half a minute, by
// pointer, by Tab, or by the key u.
// Time is measured by `performance.now()`, which no clock that is set changes.

import { SignedOut, graphql } from './api.js';
import { newKey } from './claim.js';
import { UNDO } from './correction-documents.js';
import { button, made } from './elements.js';
import { outside, write } from './text.js';

const OFFERED = 30_000; // ms
const TICK = 250; // ms
const TYPED_IN = 'input:not([type=checkbox], [type=radio]), select, textarea';

export class UndoOffer {
  /** `say(words)`; `onError(error)`. */
  constructor(store, { say, onError }) {
    Object.assign(this, { store, say, onError });
    this.button = button('Undo', () => this.undo(), { 'aria-keyshortcuts': 'u' });
    this.button.append(' ', made('kbd', { text: 'u' }));
    this.words = made('span', { role: 'status' });
    this.element = made('div', { id: 'undo', hidden: true }, this.words, this.button);
    setInterval(() => this.tick(), TICK);
    document.addEventListener('keydown', (event) => this.key(event));
  }

  /** Offer it to a viewer who may. */
  offer(contacts, { mayCorrect, practice }) {
    this.clear();
    if (!mayCorrect && !practice.undoMinutes) return;
    const asked = contacts.map(({ id }) => ({ contactId: id, key: newKey() }));
    this.pending = { asked, until: performance.now() + OFFERED };
    this.element.hidden = false;
    this.tick();
    // A text that comes into an element which is there already is read out.
    requestAnimationFrame(() => this.pending && (write(this.words, 'Logged.')));
  }

  clear() {
    const hadFocus = this.element.contains(document.activeElement);
    this.pending = null;
    this.element.hidden = true;
    write(this.words, '');
    if (hadFocus) document.getElementById('grid').focus({ preventScroll: true });
  }

  /** It goes when its time is up, but not from under a hand. What is outside an open dialog cannot be
   *  reached, so it goes along. */
  tick() {
    if (!this.pending) return;
    const isHeld = this.isSending || this.element.matches(':hover, :focus-within');
    if (performance.now() >= this.pending.until && !isHeld) return this.clear();
    const place = document.querySelector('dialog[open] .toast') ?? document.getElementById('toast');
    if (this.element.nextElementSibling !== place) place.before(this.element);
  }

  key(event) {
    if (!this.pending || event.key !== 'u' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.isComposing || event.target.matches(TYPED_IN)) return;
    event.preventDefault();
    this.undo();
  }

  async undo() {
    const { pending } = this;
    if (!pending || this.isSending) return;
    this.isSending = true;
    try {
      // Each is taken back by itself. Sent again, those that were are answered by their keys.
      const answers = [];
      for (const one of pending.asked) answers.push((await graphql(UNDO, one)).undoContact);
      if (this.pending === pending) this.clear();
      this.say(told(answers));
    } catch (error) {
      if (error instanceof SignedOut) this.onError(error);
      else this.say(`Not undone; try again. ${outside(error.message)}`);
    } finally {
      this.isSending = false;
    }
  }
}

/** What came of it, for each of the tasks. */
function told(answers) {
  const refused = answers.filter(({ errors }) => errors.length);
  if (!refused.length) return `Undone. ${outside(answers[0].task.patient.name)} is as before.`;
  const why = outside(refused[0].errors[0].message);
  if (answers.length === 1) return `Not undone. ${why}`;
  return `Not undone on ${refused.length} of ${answers.length} tasks. ${why}`;
}
