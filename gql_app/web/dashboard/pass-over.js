// The two ways out of a call that was not made: Skip gives the patient back and takes the next one; Postpone
// sets another date for the task.

/** Attach both to the dialog of a contact. `say(words)`; `onSkip(taskId)`; `onError(error)`. */
export function passOver(dialog, { say, onSkip, onError }) {
  let postponing = null; // loaded when it is used first

  const acts = {
    skip() {
      const { id } = dialog.task;
      dialog.element.close();
      onSkip(id).catch(onError);
    },
    async postpone() {
      const { task } = dialog;
      try {
        const { Postponing } = await import('./postponing.js');
        postponing ??= new Postponing(dialog, { say, onError });
        if (dialog.task?.id === task.id) postponing.open();
      } catch (error) {
        onError(error);
      }
    },
  };
  for (const [name, act] of Object.entries(acts)) dialog.part(name).addEventListener('click', act);
  dialog.element.addEventListener('keydown', (event) => {
    const name = { '.': 'skip', ';': 'postpone' }[event.key];
    if (!name || !(event.ctrlKey || event.metaKey) || dialog.isRecord) return;
    event.preventDefault();
    acts[name]();
  });
}
