// Elements of views that are made when they are looked at first. Texts go through text.js, as all do.

import { write } from './text.js';

/** An element with attributes and children. Of the attributes `text` is what stands in it, `on` are
 *  listeners by event; null and false are left out. */
export function made(tag, { text, on = {}, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, '');
    else if (value !== null && value !== false) element.setAttribute(name, value);
  }
  for (const [event, act] of Object.entries(on)) element.addEventListener(event, act);
  if (text !== undefined) write(element, text);
  element.append(...children.filter(Boolean));
  return element;
}

/** A button that does something; `about` says to which thing, for those who hear only the button. */
export const button = (text, act, { about = null, ...attributes } = {}) =>
  made('button', { type: 'button', text, 'aria-label': about && `${text} ${about}`, on: { click: act }, ...attributes });
