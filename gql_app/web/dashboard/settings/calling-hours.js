// When patients may be called: two times for each weekday, and the holidays, a line each.

import { field, made } from './fields.js';

const WEEKDAYS = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'];
const title = (weekday) => weekday[0] + weekday.slice(1).toLowerCase();

export class CallingHours {
  constructor() {
    this.times = new Map();
    this.holidays = made('textarea', { rows: 4, spellcheck: false });
    this.element = made(
      'div',
      {},
      made(
        'fieldset',
        {},
        made('legend', { text: 'Calling hours' }),
        made('p', {
          className: 'muted',
          text:
            'When patients may be called, here and where their number is from. At other times Next task offers only' +
            ' promised call-backs. A day without times is closed; without any, patients may be called at any time.',
        }),
        ...WEEKDAYS.map((weekday) => this.row(weekday)),
      ),
      field('holidays', 'Holidays', this.holidays, 'Days without calls, a line each, such as 2026-12-25 Christmas.'),
    );
  }

  row(weekday) {
    const [opens, closes] = ['opens', 'closes'].map((name) => {
      const id = `hours-${name}-${weekday}`;
      const label = `${title(weekday)}, ${name === 'opens' ? 'from' : 'to'}`;
      const control = made('input', { type: 'time', id, name: id, ariaLabel: label });
      control.setAttribute('aria-describedby', `${id}-error`);
      return control;
    });
    this.times.set(weekday, { opens, closes });
    const places = [opens, closes].map(({ id }) => made('p', { id: `${id}-error`, className: 'error' }));
    return made('div', { className: 'field hours' }, made('span', { text: title(weekday) }), opens, closes, ...places);
  }

  draw({ callingHours, holidays }) {
    for (const [weekday, { opens, closes }] of this.times) {
      const hours = callingHours.find((one) => one.weekday === weekday);
      opens.value = hours?.opens.slice(0, 5) ?? '';
      closes.value = hours?.closes.slice(0, 5) ?? '';
    }
    this.holidays.value = holidays.map(({ date, name }) => (name ? `${date} ${name}` : date)).join('\n');
  }

  /** What is sent, and what is wrong before it is: { callingHours, holidays, errors }. */
  read() {
    const callingHours = [];
    const errors = [];
    for (const [weekday, { opens, closes }] of this.times) {
      if (opens.value && closes.value) callingHours.push({ weekday, opens: opens.value, closes: closes.value });
      else if (opens.value || closes.value) {
        const { name } = opens.value ? closes : opens;
        errors.push({ field: [name], message: `${title(weekday)} needs both times, or none.` });
      }
    }
    const holidays = [];
    for (const line of this.holidays.value.split('\n').map((text) => text.trim()).filter(Boolean)) {
      const [date, ...words] = line.split(/\s+/);
      if (isDate(date)) holidays.push({ date, name: words.join(' ') || null });
      else errors.push({ field: ['holidays'], message: `A line begins with a date such as 2026-12-25, unlike “${line}”.` });
    }
    this.sent = callingHours;
    return { callingHours, holidays, errors };
  }

  /** Errors of the server, so that they name the controls here. */
  placed(errors) {
    return errors.map((error) => {
      const [, setting, place, part] = error.field ?? [];
      if (setting === 'holidays') return { ...error, field: ['holidays'] };
      if (setting !== 'callingHours' || !place) return error;
      return { ...error, field: [`hours-${part === 'opens' ? 'opens' : 'closes'}-${this.sent[place].weekday}`] };
    });
  }
}

/** Whether it is a day of the calendar: 2026-02-30 is none. */
function isDate(text) {
  const moment = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00Z`) : NaN;
  return !Number.isNaN(moment) && new Date(moment).toISOString().startsWith(text);
}
