// The settings: a section a module in settings/, each loaded when it is looked at first.

import { write } from './text.js';

// By its name in the address, which is its module's too: its title, and who may see it.
const SECTIONS = {
  practice: ['Practice', ({ maySetUp }) => maySetUp],
  queues: ['Queues', ({ maySetUp }) => maySetUp],
  people: ['People', ({ mayManageAccess }) => mayManageAccess],
  keys: ['Keys', ({ mayManageAccess }) => mayManageAccess],
};

const part = (id) => document.getElementById(id);

export class SettingsView {
  /** `store` knows the queues; `say(words)`; `onError(error)`. */
  constructor({ store, say, onError }) {
    Object.assign(this, { store, say, onError });
    this.sections = new Map();
    this.asked = null;
    store.listen((what) => what === 'settings' && this.shown?.changed?.());
  }

  /** Show the section that the address names, or the first that this viewer may see. */
  async show(viewer) {
    await (this.styled ??= styled());
    const names = Object.keys(SECTIONS).filter((name) => SECTIONS[name][1](viewer));
    const name = names.find((each) => location.hash === `#/settings/${each}`) ?? names[0];
    this.asked = name;
    this.drawNames(names, name);
    const section = await this.section(name);
    if (this.asked !== name) return; // another one was asked for meanwhile
    if (this.shown !== section) part('settings-section').replaceChildren(section.element);
    this.shown = section;
    await section.show(viewer);
  }

  async section(name) {
    if (!this.sections.has(name)) {
      const { Section } = await import(`./settings/${name}.js`);
      const { store, say, onError } = this;
      this.sections.set(name, new Section({ store, say, onError }));
    }
    return this.sections.get(name);
  }

  drawNames(names, current) {
    const links = names.map((name) => {
      const item = document.createElement('li');
      const link = document.createElement('a');
      link.href = `#/settings/${name}`;
      write(link, SECTIONS[name][0]);
      if (name === current) link.setAttribute('aria-current', 'page');
      item.append(link);
      return item;
    });
    const focused = part('settings-names').contains(document.activeElement);
    part('settings-names').replaceChildren(...links);
    if (focused) part('settings-names').querySelector('[aria-current]').focus();
  }

  /** Nothing of it stays on the screen. */
  clear() {
    this.asked = this.shown = null;
    this.sections.clear();
    for (const id of ['settings-names', 'settings-section']) part(id).replaceChildren();
  }

  /** What is looked at, for the page's title; null before it is there. */
  get title() {
    return this.asked ? SECTIONS[this.asked][0] : null;
  }
}

/** Load the style sheet: few look at the settings. */
function styled() {
  return new Promise((done) => {
    const link = document.createElement('link');
    Object.assign(link, { rel: 'stylesheet', href: 'dashboard/settings.css', onload: done, onerror: done });
    document.head.append(link);
  });
}
