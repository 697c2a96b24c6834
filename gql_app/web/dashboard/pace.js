// Something that is asked for again and again, and done once for all who ask within the same second.

const PAUSE = 1_000; // ms at least from one time to the next

export class Pace {
  /** `act()` calls `done()` whenever it begins, also where somebody else has called it. */
  constructor(act) {
    Object.assign(this, { act, due: null, last: -PAUSE });
  }

  done() {
    this.last = performance.now();
  }

  /** Do it: now, or as soon as the pause is over. */
  soon() {
    const wait = Math.max(0, this.last + PAUSE - performance.now());
    this.due ??= setTimeout(() => {
      this.due = null;
      this.act();
    }, wait);
  }

  cancel() {
    clearTimeout(this.due);
    this.due = null;
  }
}
