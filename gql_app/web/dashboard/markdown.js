// Markdown as people write it for a script: headings, paragraphs, lists, bold, italic and links. Whatever else
// it has is shown as it was typed. Each block is a paragraph of its own to the browser, so characters that change
// the direction of text have no effect beyond it.

import { write } from './text.js';

const INLINE = /\*\*(.+?)\*\*|\*(.+?)\*|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/;
const ITEM = /^(?:[-*]|\d+[.)])\s+/;

/** The elements that show a text; `heading` is what its headings become, by what they stand under. */
export function rendered(markdown, heading = 'h4') {
  const blocks = markdown.split(/\n\s*\n/).flatMap(split);
  return blocks.map((each) => block(each, heading));
}

/** A heading, a list and a paragraph may follow each other without an empty line. */
function split(text) {
  const parts = [];
  for (const line of text.split('\n').filter((each) => each.trim())) {
    const kind = /^#{1,6}\s/.test(line) ? 'heading' : /^[-*]\s/.test(line) ? 'ul' : /^\d+[.)]\s/.test(line) ? 'ol' : 'p';
    const last = parts.at(-1);
    if (last?.kind === kind && kind !== 'heading') last.lines.push(line);
    else parts.push({ kind, lines: [line] });
  }
  return parts;
}

function block({ kind, lines }, heading) {
  const element = document.createElement(kind === 'heading' ? heading : kind);
  element.dir = 'auto';
  if (kind === 'heading') inline(element, lines[0].replace(/^#+\s+/, ''));
  else if (kind === 'p') inline(element, lines.join('\n'));
  else element.append(...lines.map((line) => inline(document.createElement('li'), line.replace(ITEM, ''))));
  return element;
}

function inline(element, text) {
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    const [all, bold, italic, label, address] = found;
    const name = bold ? 'strong' : italic ? 'em' : 'a';
    const part = run(name, bold ?? italic ?? label);
    if (address) Object.assign(part, { href: address, target: '_blank', rel: 'noreferrer' });
    element.append(run('span', rest.slice(0, found.index)), part);
    rest = rest.slice(found.index + all.length);
  }
  element.append(run('span', rest));
  return element;
}

function run(name, text) {
  const element = document.createElement(name);
  write(element, text);
  return element;
}
