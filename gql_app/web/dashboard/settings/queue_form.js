// The form of one queue: what it gives to its tasks, and the script of those who call.

import { rendered } from '../markdown.js';
import { button, ending, field, made, sending } from './fields.js';

const LADDER = 'Numbers of days with commas between them, such as 1, 7, 21.';
const NUMBER = 'A whole number.';

export class QueueForm {
  /** `save(input)` gives the errors of a payload; `cancel()`; `onError(error)`. */
  constructor(queue, { save, cancel, onError }) {
    const input = (properties) => made('input', properties);
    const number = (value) => input({ inputMode: 'numeric', size: 6, autocomplete: 'off', value: value ?? '' });
    this.kinds = queue?.appointmentKinds ?? [];
    this.script = made('textarea', { rows: 8, value: queue?.script ?? '' });
    this.preview = made('div', { className: 'script', role: 'group', ariaLabel: 'How the script is shown' });
    this.script.addEventListener('input', () => this.draw());
    this.element = made(
      'form',
      { ariaLabel: queue ? 'Change the queue' : 'New queue' },
      field('name', 'Name', input({ maxLength: 200, value: queue?.name ?? '' }), 'Such as Overdue recall.'),
      field(
        'followUpLadder',
        'Follow-up ladder',
        input({ autocomplete: 'off', value: (queue?.followUpLadder ?? []).join(', ') }),
        'After how many days to call again, contact by contact: 1, 7, 21. It is suggested to the caller. Empty for none.',
      ),
      field(
        'automaticLifeDays',
        'Automatic tasks expire after',
        number(queue?.automaticLifeDays),
        'Days. Tasks that are there keep theirs. Empty for never.',
      ),
      field('maxAttempts', 'Attempts at most', number(queue?.maxAttempts), 'How often one patient is to be called. Empty for any number.'),
      field(
        'closesAtMaxAttempts',
        'Close the task after the last attempt',
        input({ type: 'checkbox', checked: queue?.closesAtMaxAttempts ?? false }),
        'Otherwise it waits for a supervisor.',
      ),
      field(
        'closesOnAppointment',
        'Close automatic tasks when the patient has an appointment',
        input({ type: 'checkbox', checked: queue?.closesOnAppointment ?? false }),
      ),
      field(
        'appointmentKinds',
        'Only for appointments of these kinds',
        input({ autocomplete: 'off', value: (queue?.appointmentKinds ?? []).join(', ') }),
        'As your booking system calls them, with commas between: Cleaning, Check-up. Empty for all.',
      ),
      field(
        'missedAppointments',
        'Make a task here when an appointment is missed',
        input({ type: 'checkbox', checked: queue?.missedAppointments ?? false }),
      ),
      field('script', 'Script for the caller', this.script, 'Markdown: ## heading, **bold**, - list. It is shown beside the call.'),
      this.preview,
      ...ending('Save', button('Cancel', cancel)),
    );
    this.draw();
    sending(this.element, () => this.send(save), onError);
  }

  draw() {
    this.preview.hidden = !this.script.value.trim();
    this.preview.replaceChildren(...rendered(this.script.value, 'h3'));
  }

  async send(save) {
    const { elements } = this.element;
    const ladder = elements.followUpLadder.value.split(/[\s,]+/).filter(Boolean).map(Number);
    const input = {
      name: elements.name.value,
      followUpLadder: ladder.length ? ladder : null,
      automaticLifeDays: numberIn(elements.automaticLifeDays),
      maxAttempts: numberIn(elements.maxAttempts),
      closesAtMaxAttempts: elements.closesAtMaxAttempts.checked,
      closesOnAppointment: elements.closesOnAppointment.checked,
      appointmentKinds: kindsIn(elements.appointmentKinds, this.kinds),
      missedAppointments: elements.missedAppointments.checked,
      script: elements.script.value,
    };
    const errors = [];
    if (!ladder.every(isWhole)) errors.push({ message: LADDER, field: ['followUpLadder'] });
    for (const name of ['automaticLifeDays', 'maxAttempts']) {
      if (input[name] !== null && !isWhole(input[name])) errors.push({ message: NUMBER, field: [name] });
    }
    return errors.length ? errors : save(input);
  }
}

/** What was typed, or what was there: a kind that came in over the API may have a comma in it. */
const kindsIn = ({ value }, before) => (value === before.join(', ') ? before : value.split(',').map((kind) => kind.trim()).filter(Boolean));

const numberIn = ({ value }) => (value.trim() ? Number(value) : null);

/** GraphQL takes no others. */
const isWhole = (number) => Number.isInteger(number) && Math.abs(number) < 2 ** 31;
