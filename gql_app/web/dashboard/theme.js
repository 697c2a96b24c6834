// Dark or light, before anything is drawn: what was chosen here, else what the system says.
document.documentElement.dataset.theme =
  localStorage.getItem('callboard.theme') ??
  (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
