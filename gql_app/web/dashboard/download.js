// "Download" beside a list or a report: what it shows, as a file for a spreadsheet.

import { download } from './api.js';
import { write } from './text.js';

const MARK = '\ufeff'; // without it some spreadsheets do not read the file as UTF-8
const MINUTE = 60_000;

export class Downloads {
  /** `say(words)`; `onError(error)`. */
  constructor({ say, onError }) {
    Object.assign(this, { say, onError, buttons: [] });
  }

  /** The button with this id gives what `order()` asks for. */
  add(id, order) {
    const button = document.getElementById(id);
    this.buttons.push(button);
    button.addEventListener('click', () => this.take(button, order()));
  }

  begin(mayExport) {
    for (const button of this.buttons) button.hidden = !mayExport;
  }

  async take(button, order) {
    if (button.getAttribute('aria-busy') === 'true') return;
    this.wait(button, true);
    try {
      const { name, file } = await download(order);
      keep(new Blob([MARK, file], { type: 'text/csv' }), name);
      this.say(`Downloaded: ${name}`);
    } catch (error) {
      this.onError(error);
    } finally {
      this.wait(button, false);
    }
  }

  wait(button, isWaiting) {
    button.setAttribute('aria-busy', isWaiting);
    write(button, isWaiting ? 'Downloading …' : 'Download');
  }
}

/** Have the browser keep a file under a name. */
function keep(file, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), MINUTE);
}
