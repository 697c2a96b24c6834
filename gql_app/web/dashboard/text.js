// The only way in which text gets onto the page. What people typed elsewhere (names, reasons, notes,
// names of queues) may have characters that change the direction of all that follows, so it is isolated:
// in the page by <bdi>, in titles and labels by the characters that say the same.

const BEGIN = '\u2068';
const END = '\u2069';
const ISOLATES = /[\u2066-\u2069]/g; // one of these in a text could end the isolation

const written = new WeakMap();

/** A text from outside, to stand alone or in a sentence, a title or a label. */
export const outside = (text) => (text ? BEGIN + text.replace(ISOLATES, '') + END : '');

/** Show a text in an element, in place of what is there. */
export function write(element, text) {
  if (written.get(element) === text) return;
  written.set(element, text);
  const parts = text.split(/\u2068([^\u2069]*)\u2069/);
  element.replaceChildren(...parts.map((part, i) => (i % 2 ? isolated(part) : part)).filter(Boolean));
}

/** Fill an element with what `make` makes of the lines, unless they stand there: a text may be being read
 *  out, or selected. */
export function refill(element, lines, make) {
  const text = JSON.stringify(lines);
  if (written.get(element) === text) return;
  written.set(element, text);
  element.replaceChildren(...lines.flatMap(make));
}

function isolated(text) {
  const element = document.createElement('bdi');
  element.textContent = text;
  return element;
}
