// What the page says for a few seconds. Each dialog has a place for it too: what is outside an open one can
// be neither reached nor heard.

import { write } from './text.js';

const WARNING = 60_000; // ms

let saying;
let isWarning = false;

export function say(words, ms = 8000) {
  clearTimeout(saying);
  isWarning = false;
  for (const toast of document.querySelectorAll('.toast')) write(toast, words);
  if (words) saying = setTimeout(() => say(''), ms);
}

/** Say what will come unless something is done. */
export function warn(words) {
  say(words, WARNING);
  isWarning = true;
}

/** Something was done: what was warned of will not come. */
export const withdrawWarning = () => isWarning && say('');

/** Say what will come whatever is done. */
export const announce = (words) => say(words, WARNING);
