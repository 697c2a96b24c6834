// Tells the server that somebody is here: a pointer that moves, a key, a page that scrolls. The socket alone
// does not keep a session. The server says how often it wants to know; in between nothing is sent.

import { reportActivity } from './api.js';

const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchmove'];
const FIRST = 60; // seconds from one report to the next, until the server has said

export class Activity {
  /** `onAct()`: something was done, and is about to be reported. `onError(error)`. */
  constructor({ onAct, onError }) {
    Object.assign(this, { onAct, onError, isOn: false, next: 0, pause: FIRST });
    for (const sign of SIGNS) {
      addEventListener(sign, ({ isTrusted }) => isTrusted && this.act(), { capture: true, passive: true });
    }
  }

  /** Somebody has signed in, or loaded the page. */
  begin() {
    this.isOn = true;
    this.next = 0;
    this.act();
  }

  end() {
    this.isOn = false;
  }

  async act() {
    if (!this.isOn || performance.now() < this.next) return;
    this.next = performance.now() + 1000 * this.pause;
    this.onAct();
    try {
      this.pause = await reportActivity();
      this.next = Math.min(this.next, performance.now() + 1000 * this.pause);
    } catch (error) {
      if (this.isOn) this.onError(error);
    }
  }
}
