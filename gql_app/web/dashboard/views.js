// The views of the page, one of which is shown as the address says. What few look at is loaded then.

import { outside, write } from './text.js';
import { say } from './toast.js';
import { setZone, today } from './words.js';

const part = (id) => document.getElementById(id);

// By their names in the address: the links that lead there.
const VIEWS = {
  group: ['to-group'],
  tasks: ['to-tasks'],
  board: ['to-board'],
  patients: ['to-patients'],
  audit: ['to-audit'],
  settings: ['to-settings'],
  account: ['who', 'to-account'],
};
const MAY_SEE = { audit: ({ mayReadAudit }) => mayReadAudit, settings: (me) => me.maySetUp || me.mayImport };
const ONLY_AT_HOME = ['group', 'account']; // their links lead there

export class Views {
  /** `onError(error)`. */
  constructor({ store, tasks, board, connection, onError }) {
    Object.assign(this, { store, tasks, board, connection, onError });
    this.me = null; // the viewer
    this.as = this.home = null; // what requests carry for them here, and at home
    this.group = this.switcher = null; // for those who supervise a group
    this.account = this.settings = this.patients = this.audit = null;
    this.downloads = null; // few may take any
    this.start = null; // for admins
    this.undo = null; // once something was logged
  }

  /** `viewer` is at work now; `as` is what requests carry for them here, `home` what they do at home. */
  begin(viewer, { as, home }) {
    Object.assign(this, { me: viewer, as, home });
    this.call(viewer.practice);
    this.patients?.begin(viewer);
    for (const name of Object.keys(MAY_SEE)) part(`to-${name}`).hidden = !MAY_SEE[name](viewer);
    for (const name of ONLY_AT_HOME) for (const link of VIEWS[name]) part(link).href = `./#/${name}`;
    part('to-group').hidden = !this.isInGroup;
    this.offerDownloads().catch(this.onError);
    this.offerPractices().catch(this.onError);
  }

  /** The practice is called so, and its days are those of its time zone. */
  call({ name, timeZone }) {
    setZone(timeZone);
    this.practice = outside(name);
    write(part('practice-name'), this.practice);
    this.switcher?.call(this.practice);
  }

  get isInGroup() {
    return this.me?.group?.practices.length > 1;
  }

  /** The session is over: nothing stays on the screen. */
  clear() {
    this.account?.clear();
    this.settings?.clear();
    this.start?.clear();
    this.group?.hide();
    this.switcher?.clear();
    this.me = null;
    write(part('practice-name'), '');
    this.patients?.suspend();
    this.audit?.clear();
    this.undo?.clear();
  }

  /** The viewer has signed out: nothing of what was typed stays. */
  forget() {
    this.patients?.forget();
  }

  /** Whether something was typed that is kept until the viewer is back. */
  get pending() {
    return this.patients?.pending;
  }

  get shown() {
    return Object.keys(VIEWS).find((name) => !part(name).hidden);
  }

  /** Put the focus where work begins. */
  focus() {
    part({ tasks: 'grid', board: 'ticker' }[this.shown] ?? this.shown).focus({ preventScroll: true });
  }

  /** Show what the address names. */
  route() {
    const [, place] = location.hash.split('/');
    const name = place in VIEWS && this.maySee(place) ? place : 'tasks';
    for (const [view, links] of Object.entries(VIEWS)) {
      part(view).hidden = view !== name;
      for (const link of links.map(part)) {
        if (view === name) link.setAttribute('aria-current', 'page');
        else link.removeAttribute('aria-current');
      }
    }
    this.show(name);
    this.start?.look(name);
    this.setTitle();
  }

  maySee(name) {
    if (!this.me || (ONLY_AT_HOME.includes(name) && this.as.practice !== null)) return false;
    return name === 'group' ? this.isInGroup : (MAY_SEE[name]?.(this.me) ?? true);
  }

  show(name) {
    const { onError } = this;
    if (name === 'group') return this.showGroup().catch(onError);
    this.group?.hide();
    if (name === 'board') this.board.show();
    else if (name === 'account') this.showAccount().catch(onError);
    else if (name === 'audit') this.showAudit().catch(onError);
    else if (name === 'settings') this.showSettings().then(() => this.setTitle(), onError);
    else if (name === 'patients') this.showPatients().catch(onError);
    else this.tasks.grid.restore();
  }

  /** Say in the page's title what is shown, but name no patient: browsers keep titles. */
  setTitle() {
    const name = this.shown ?? 'tasks';
    const views = { tasks: () => this.tasks.looksAt(), settings: () => [this.settings?.title, 'Settings'] };
    const view = views[name]?.() ?? [name[0].toUpperCase() + name.slice(1)];
    const isOn = this.connection.feed !== null;
    const where = this.isInGroup && name !== 'group' ? this.practice : null;
    document.title = [...(isOn ? [this.connection.trouble, ...view, where] : ['Sign in']), 'Callboard']
      .filter(Boolean)
      .join(' – ');
  }

  async showGroup() {
    this.group ??= new (await import('./group.js')).GroupView({ onError: this.onError });
    if (this.shown === 'group') await this.group.show(this.home);
  }

  /** The menu of practices, in place of the name of the one that is shown. */
  async offerPractices() {
    if (!this.isInGroup) return;
    this.switcher ??= new (await import('./switcher.js')).Switcher({ shown: () => this.shown });
    if (this.isInGroup) this.switcher.begin(this.me.group.practices, this.as.practice, this.practice);
  }

  async showAccount() {
    const { onError } = this;
    this.account ??= new (await import('./account.js')).AccountView({ say, onError });
    await this.account.show();
  }

  async showAudit() {
    this.audit ??= new (await import('./audit.js')).AuditView({ onError: this.onError });
    if (this.me) this.audit.show();
  }

  async showSettings() {
    const { store, onError } = this;
    this.settings ??= new (await import('./settings.js')).SettingsView({ store, say, onError });
    if (this.me) await this.settings.show(this.me);
  }

  async showPatients() {
    if (!this.patients) {
      const { PatientsView } = await import('./patients.js');
      this.patients ??= new PatientsView(this.store, { say, onError: this.onError });
      if (this.me) this.patients.begin(this.me);
    }
    this.patients.show();
  }

  /** "Download" beside lists and reports, for whom the role allows. */
  async offerDownloads() {
    if (!this.downloads && this.me.mayExport) {
      const { Downloads } = await import('./download.js');
      this.downloads = new Downloads({ say, onError: this.onError });
      this.downloads.add('download-tasks', () => ({ table: 'tasks', filter: this.tasks.list.asked() }));
      this.downloads.add('download-queues', () => ({ table: 'queues' }));
      this.downloads.add('download-activity', () => ({ table: 'activity', from: today(), to: today() }));
      this.downloads.add('download-audit', () => ({ table: 'audit', ...this.audit?.filter() }));
    }
    this.downloads?.begin(this.me?.mayExport);
  }

  /** What was logged can be taken back for a while. */
  async offerUndo(contacts) {
    const { store, onError } = this;
    this.undo ??= new (await import('./undo.js')).UndoOffer(store, { say, onError });
    if (this.me) this.undo.offer(contacts, this.me);
  }

  /** Lead an admin through the first steps. */
  async leadOn() {
    try {
      if (!this.start && this.me.maySetUp) {
        const { GettingStarted } = await import('./getting-started.js');
        this.start ??= new GettingStarted(this.store, { onError: this.onError, onPutAway: () => this.focus() });
      }
      if (this.me?.maySetUp) this.start.begin(this.me, this.shown);
    } catch (error) {
      this.onError(error);
    }
  }
}
