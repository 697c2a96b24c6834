// Today's outcomes: bars drawn here, and behind them the same as a table, hour by hour.

import { write } from './text.js';
import { clock } from './words.js';
import { OUTCOME_COUNTS as NAMES } from './workflow.js';

const LINE = 40;
const WIDTH = 460;
const LABELS = 156; // of the width
const BARS = 260;
/** --bar-1 to --bar-4 of the style sheet. */
export const COLORS = 4;

/** `activity` of one day by the hour; null clears the chart. */
export function drawOutcomes(activity) {
  const chart = document.getElementById('chart');
  const table = document.getElementById('hours');
  const names = Object.keys(NAMES);
  const total = activity?.total.contacts;
  chart.setAttribute('viewBox', `0 0 ${WIDTH} ${LINE * names.length}`);
  const most = total ? Math.max(1, ...names.map((name) => total[name])) : 1;
  chart.replaceChildren(
    ...names.flatMap((name, i) => (total ? bar(NAMES[name], total[name], most, i) : [])),
  );
  const told = total && names.map((name) => `${NAMES[name]} ${total[name]}`).join(', ');
  chart.setAttribute('aria-label', told ? `Contacts today: ${told}.` : 'No figures yet');
  const hours = (activity?.buckets ?? []).filter(({ figures }) => figures.contacts.total > 0);
  document.getElementById('hours-heads').replaceChildren(...['From', ...Object.values(NAMES), 'All'].map(head));
  table.replaceChildren(
    ...hours.map(({ begin, figures }) => line(clock(begin), figures.contacts, names)),
    ...(total ? [line('Today', total, names)] : []),
  );
}

function bar(label, value, most, index) {
  const middle = index * LINE + LINE / 2;
  const length = Math.round((value / most) * BARS);
  return [
    svg('text', { x: LABELS - 12, y: middle, class: 'label' }, label),
    svg('rect', { x: LABELS, y: middle - 12, width: length, height: 24, rx: 2, class: `bar-${(index % COLORS) + 1}` }),
    svg('text', { x: LABELS + length + 8, y: middle, class: 'value' }, String(value)),
  ];
}

const line = (label, contacts, names) =>
  row(['th', label], ...[...names, 'total'].map((name) => ['td', String(contacts[name])]));

/** A table's row; a cell is its element's name and its text. */
export function row(...cells) {
  const made = document.createElement('tr');
  for (const [name, text] of cells) {
    const cell = document.createElement(name);
    if (name === 'th') cell.scope = 'row';
    write(cell, text);
    made.append(cell);
  }
  return made;
}

/** The head of a table's column. */
export function head(label) {
  const cell = document.createElement('th');
  cell.scope = 'col';
  write(cell, label);
  return cell;
}

/** A part of a picture. */
export function svg(name, attributes, text = '') {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  write(made, text);
  return made;
}
