// The button beside the number that is dialled: it is wrong, and the next one is offered.

/** Attach it to the dialog of a contact. */
export function offerWrongNumber(dialog) {
  dialog.part('wrong-number').addEventListener('click', async () => {
    const { id } = dialog.task;
    try {
      const { markDialled } = await import('./reach.js');
      if (dialog.task?.id === id) await markDialled(dialog);
    } catch (error) {
      dialog.trouble('claim', error, id);
    }
  });
}
