// The keys of the page, the help that lists them, and the choice of dark or light.

const part = (id) => document.getElementById(id);
const root = document.documentElement;
const THEME = 'callboard.theme';

/** `session` is at work; `tasks` have most of the keys. */
export function listenToKeys(session, tasks) {
  part('help-button').addEventListener('click', () => part('help').showModal());
  part('help-close').addEventListener('click', () => part('help').close());
  document.addEventListener('keydown', (event) => {
    if (!session.isOn || document.querySelector('dialog[open]')) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target === part('search') && ['Escape', 'Enter', 'ArrowDown'].includes(event.key)) {
      event.preventDefault();
      return part('grid').focus();
    }
    if (event.target.matches('input:not([type=checkbox], [type=radio]), select, textarea')) return;
    if (event.key === '?') part('help').showModal();
    else if (part('tasks').hidden || !tasks.key(event)) return;
    event.preventDefault();
  });
}

export function offerThemes() {
  part('theme').addEventListener('click', () => {
    root.dataset.theme = root.dataset.theme === 'dark' ? 'light' : 'dark';
    localStorage.setItem(THEME, root.dataset.theme);
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', ({ matches }) => {
    if (!localStorage.getItem(THEME)) root.dataset.theme = matches ? 'dark' : 'light';
  });
}
