// The open task in the page's address. The dialog has an entry of its own in the browser's history: Back
// closes it, Forward and a reload open it again.

import { graphql } from './api.js';
import { ONE_TASK } from './documents.js';

const HOME = '#/tasks';

/** The id of the task that the address names, or null. */
const taskInAddress = () => location.hash.match(/^#\/tasks\/([\w=+-]+)$/)?.[1] ?? null;

export class Place {
  constructor(dialog) {
    this.dialog = dialog;
    this.id = null;
    this.isLeaving = false; // going back takes a moment, in which another task may be opened
    addEventListener('popstate', () => {
      if (!this.isLeaving) return this.follow();
      this.isLeaving = false;
      if (this.id) this.enter(this.id);
    });
  }

  /** Back, Forward, a reload or a link has led here: open the task that the address names, or none. */
  async follow() {
    const { dialog } = this;
    const id = taskInAddress();
    if (!dialog.viewer || (dialog.task?.id ?? null) === id) return;
    if (dialog.task) dialog.element.close();
    if (!id) return;
    try {
      const { task } = await graphql(ONE_TASK, { id });
      if (taskInAddress() !== id || dialog.task) return; // the user has gone on
      if (task) return dialog.open(task);
      dialog.onError(new Error('There is no such task, or your key may not see it.'));
    } catch (error) {
      dialog.onError(error);
    }
    this.forget();
  }

  /** The task is open now. */
  enter(id) {
    this.id = id;
    if (this.isLeaving || taskInAddress() === id) return;
    history.pushState({ isDialog: true }, '', `${HOME}/${id}`);
  }

  /** The task is closed: go back to where it was opened. */
  leave() {
    const isNamed = this.id !== null && taskInAddress() === this.id;
    this.id = null;
    if (!isNamed) return;
    if (!history.state?.isDialog) return this.forget();
    this.isLeaving = true;
    history.back();
  }

  /** Name no task any more, and leave the history as it is. */
  forget() {
    this.id = null;
    if (taskInAddress()) history.replaceState(null, '', HOME);
  }
}
