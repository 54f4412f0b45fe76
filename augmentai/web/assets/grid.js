// The result grid: cards that are compared, selected and excluded. The dialog is in compare.js, which follows this text.
// `element`, `props`, `trigger` and `watch` come from gr.HTML. Names and prompts are untrusted text: they are inserted by
// textContent only.
const find = (selector) => element.querySelector(selector);
const list = find('.grid-cards'), chosenBar = find('.grid-chosen');
const nodes = new Map(), excluded = new Set(), chosen = new Set();
let items = [], revision = 0, anchor = null;

// From the address in the browser: behind a proxy that rewrites Host, the server does not know it.
const base = new URL('.', location.href).href + 'gradio_api';
const url = (path) => path ? `${base}/file=${path.split('/').map(encodeURIComponent).join('/')}` : '';
const make = (tag, classes, text) => { const made = document.createElement(tag); if (classes) made.className = classes; if (text !== undefined) made.textContent = text; return made; };

// Drawings of labels are fetched when they come into view. As files of the server they are no images to a browser, since
// an SVG may hold a script; in an <img> none runs.
const drawings = new Map(), RETRY_MS = 3000;
function drawingOf(path) {
  if (!drawings.has(path)) {
    const text = fetch(url(path)).then((answer) => answer.ok ? answer.text() : '').catch(() => null);
    drawings.set(path, text);
    text.then((found) => { if (found === null) drawings.delete(path); });  // no connection, or too many at once
  }
  return drawings.get(path);
}
async function showDrawing(image, path, isNamed) {
  image.dataset.path = path;
  const text = await drawingOf(path);
  const again = () => { if (image.isConnected && image.dataset.path === path) showDrawing(image, path, isNamed); };
  if (text === null) setTimeout(again, RETRY_MS);
  if (!text || image.dataset.path !== path) return;
  image.src = 'data:image/svg+xml,' + encodeURIComponent(isNamed ? text.replace('.n{display:none', '.n{display:inline') : text);
}
const seen = new IntersectionObserver((entries) => {
  for (const {isIntersecting, target} of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    showDrawing(target.querySelector('.card-labels'), target.dataset.drawing, false);
  }
}, {rootMargin: '300px'});

function watchDrawing(frame, path) {
  frame.append(Object.assign(make('img', 'card-labels'), {alt: ''}));
  frame.dataset.drawing = path;
  seen.observe(frame);
}

function picture(path, classes) {
  const image = make('img', classes);
  image.loading = 'lazy';
  image.decoding = 'async';
  image.alt = '';
  image.src = url(path);
  return image;
}

// A long name is cut in its middle: what tells variations apart is at its end.
function fileName(item) {
  const name = make('span', 'card-name'), text = item.file.split('/').pop(), end = Math.max(0, text.lastIndexOf('__v'));
  name.append(make('span', '', text.slice(0, end)), make('span', '', text.slice(end)));
  name.title = item.file;
  name.style.setProperty('--end', text.length - end);
  return name;
}

function card(item) {
  const node = make('li', 'card'), open = make('button', 'card-open'), text = make('div', 'card-text'), actions = make('div', 'card-actions');
  open.type = 'button';
  open.setAttribute('aria-label', `Compare ${item.file} with its source`);
  if (item.preview) open.append(picture(item.preview)); else open.append('Open to see it');
  if (item.drawing) watchDrawing(open, item.drawing);
  open.onclick = (event) => event.shiftKey || event.ctrlKey || event.metaKey ? choose(item, event.shiftKey) : show(items.indexOf(nodes.get(item.file).item));
  const facts = [item.objects || item.label, `${item.engine}, strength ${item.strength}, seed ${item.seed}`];
  text.append(fileName(item), make('span', 'card-how', facts.filter(Boolean).join(' · ')));
  const check = make('input', 'card-check'), more = make('button', 'aug-link', item.more), exclude = make('button', 'aug-link');
  check.type = 'checkbox';
  check.setAttribute('aria-label', `Select ${item.file}`);
  check.onclick = (event) => choose(item, event.shiftKey);
  for (const button of [more, exclude]) button.type = 'button';
  more.setAttribute('aria-label', `${item.more}: ${item.file}`);
  more.onclick = () => moreLikeThis(item);
  exclude.onclick = () => decide([item], !excluded.has(item.file));
  actions.append(more, exclude);
  node.append(open, check, text, actions);
  return Object.assign(node, {item, exclude, check, open});
}

// A source before its variations, where these are in the order of names.
function sourceCard(item) {
  const node = make('li', 'source-card'), name = make('span', '', item.source.split('/').pop());
  name.title = item.source;
  node.append(picture(item.original));
  if (item.originalDrawing) watchDrawing(node, item.originalDrawing);
  node.append(make('b', '', 'Source'), name);
  return node;
}

function mark(item) {
  const node = nodes.get(item.file), action = excluded.has(item.file) ? 'Include' : 'Exclude';
  if (!node) return;
  node.classList.toggle('card-excluded', excluded.has(item.file));
  node.classList.toggle('card-chosen', chosen.has(item.file));
  node.check.checked = chosen.has(item.file);
  node.exclude.textContent = action;
  node.exclude.setAttribute('aria-label', `${action}: ${item.file}`);
}

function draw() {
  items = props.items || [];
  revision = Math.max(revision, props.revision, Date.now());
  excluded.clear();
  const wanted = new Set(items.map((item) => item.file)), rows = [];
  for (const file of nodes.keys()) if (!wanted.has(file)) nodes.delete(file);
  for (const file of chosen) if (!wanted.has(file)) chosen.delete(file);
  let last = null;
  for (const item of items) {
    if (item.excluded) excluded.add(item.file);
    if (nodes.get(item.file)?.item.more !== item.more) nodes.set(item.file, card(item));
    nodes.get(item.file).item = item;
    mark(item);
    if (props.finished && props.grouped && item.original && item.source !== last) rows.push(sourceCard(item));
    last = item.source;
    rows.push(nodes.get(item.file));
  }
  const focused = list.contains(document.activeElement) ? document.activeElement.closest('.card')?.item.file : null;
  list.replaceChildren(...rows);
  if (focused) nodes.get(focused)?.open.focus({preventScroll: true});
  list.classList.toggle('grid-working', !props.finished);
  find('.grid-empty').hidden = !props.finished || items.length > 0;
  find('.grid-empty').textContent = props.empty;
  showChosen();
  itemsChanged();
}

function decide(some, isExcluded) {
  const files = some.map((item) => item.file);
  for (const file of files) isExcluded ? excluded.add(file) : excluded.delete(file);
  some.forEach(mark);
  decided();
  trigger('exclude', {files: isExcluded ? files : [], included: isExcluded ? [] : files, revision: ++revision});
}

function choose(item, isRange) {
  const on = isRange && anchor ? true : !chosen.has(item.file), from = items.findIndex((one) => one.file === anchor);
  const to = items.findIndex((one) => one.file === item.file);
  const some = isRange && from >= 0 ? items.slice(Math.min(from, to), Math.max(from, to) + 1) : [item];
  for (const one of some) on ? chosen.add(one.file) : chosen.delete(one.file);
  if (!isRange || from < 0) anchor = item.file;
  some.forEach(mark);
  showChosen();
}

function clearChosen() {
  chosen.clear();
  items.forEach(mark);
  showChosen();
}

function showChosen() {
  chosenBar.hidden = !chosen.size || !props.finished;
  chosenBar.querySelector('strong').textContent = chosen.size === 1 ? '1 selected' : `${chosen.size} selected`;
}

chosenBar.addEventListener('click', (event) => {
  const what = event.target.closest('[data-chosen]')?.dataset.chosen, some = items.filter((item) => chosen.has(item.file));
  if (what === 'exclude' || what === 'include') decide(some, what === 'exclude');
  if (what) clearChosen();
});

function moreLikeThis(item) {
  closeDialog();
  trigger('more', {file: item.file});
}

// Arrows go from card to card, with Shift they select; X excludes, Ctrl+A selects all of the page, Ctrl+Z undoes.
list.addEventListener('keydown', (event) => {
  const here = event.target.closest('.card'), command = event.ctrlKey || event.metaKey, key = event.key.toLowerCase();
  if (!here || !props.finished) return;
  const number = items.indexOf(here.item), cards = items.map((item) => nodes.get(item.file));
  const row = Math.max(1, cards.findIndex((one) => one.offsetTop > cards[0].offsetTop));
  const step = {arrowright: 1, arrowleft: -1, arrowdown: row, arrowup: -row}[key];
  if (step) {
    const next = cards[Math.min(Math.max(number + step, 0), cards.length - 1)];
    if (event.shiftKey) {
      anchor = anchor ?? here.item.file;
      choose(here.item, true);
      choose(next.item, true);
    }
    next.open.focus();
  } else if (command && key === 'a') {
    items.forEach((item) => { chosen.add(item.file); mark(item); });
    showChosen();
  } else if (command && key === 'z') trigger('undo', {});
  else if (key === 'x' && !command) {
    const some = chosen.size ? items.filter((item) => chosen.has(item.file)) : [here.item];
    decide(some, some.some((item) => !excluded.has(item.file)));
    clearChosen();
  } else if (key === 'escape' && chosen.size) clearChosen();
  else return;
  event.preventDefault();
});
