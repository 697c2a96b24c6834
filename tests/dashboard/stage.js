// Draws pages side by side, each under a title, and says where a picture differs from the one before.

const GAP = 20; // pixels around the pages
const HEAD = 34; // pixels above a page, for its title
const ARROW = 'M0 0 V19 L4.5 15 L7.5 22 L10.5 20.7 L7.6 14 H13.5 Z';

let canvas;
let brush;
let form;
let before = null;

/** `form`: the width and height of a page, and the titles. */
function begin(given) {
  form = given;
  canvas = document.createElement('canvas');
  canvas.width = form.titles.length * (form.width + GAP) + GAP;
  canvas.height = form.height + HEAD + GAP;
  brush = canvas.getContext('2d', { willReadFrequently: true });
}

const loaded = async (png) => createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());

/** Draw the pages and the pointer; where it differs from the picture before, as WebP without loss. */
async function draw({ pages, pointer, isPressed }) {
  brush.fillStyle = '#d5dbe3';
  brush.fillRect(0, 0, canvas.width, canvas.height);
  for (const [i, png] of pages.entries()) {
    const left = GAP + i * (form.width + GAP);
    brush.fillStyle = '#2b3a4a';
    brush.beginPath();
    brush.roundRect(left, GAP / 2, form.width, HEAD, [8, 8, 0, 0]);
    brush.fill();
    brush.fillStyle = '#fff';
    brush.font = '600 15px sans-serif';
    brush.textBaseline = 'middle';
    brush.fillText(form.titles[i], left + 14, GAP / 2 + HEAD / 2 - 2);
    brush.drawImage(await loaded(png), left, HEAD);
  }
  point(pointer, isPressed);
  return changed();
}

function point([x, y], isPressed) {
  brush.save();
  brush.translate(GAP + x, HEAD + y);
  if (isPressed) {
    brush.fillStyle = 'rgba(240, 160, 0, .6)';
    brush.beginPath();
    brush.arc(0, 0, 16, 0, 7);
    brush.fill();
  }
  brush.fillStyle = '#111';
  brush.strokeStyle = '#fff';
  brush.lineWidth = 2;
  brush.stroke(new Path2D(ARROW));
  brush.fill(new Path2D(ARROW));
  brush.restore();
}

async function changed() {
  const now = brush.getImageData(0, 0, canvas.width, canvas.height);
  const [left, top, width, height] = before ? box(before, now) : [0, 0, canvas.width, canvas.height];
  before = now;
  if (!width) return null;
  const part = new OffscreenCanvas(width, height);
  part.getContext('2d').drawImage(canvas, -left, -top);
  const packed = await part.convertToBlob({ type: 'image/webp', quality: 1 });
  const bytes = new Uint8Array(await packed.arrayBuffer());
  return { left, top, width, height, webp: btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), '')) };
}

/** The smallest rectangle in which two pictures differ. It begins at even pixels, as WebP needs it. */
function box(one, other) {
  const [a, b] = [one, other].map(({ data }) => new Uint32Array(data.buffer));
  let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
  for (let i = 0; i < a.length; i += 1) {
    if (a[i] === b[i]) continue;
    const [x, y] = [i % one.width, Math.floor(i / one.width)];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  if (right < 0) return [0, 0, 0, 0];
  left -= left % 2;
  top -= top % 2;
  return [left, top, right - left + 1, bottom - top + 1];
}

/** Fails unless it is a picture. */
async function shown(webp) {
  const image = new Image();
  image.src = `data:image/webp;base64,${webp}`;
  await image.decode();
}
