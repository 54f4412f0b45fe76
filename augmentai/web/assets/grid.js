// The result grid and the dialog that compares a variation with its source. `element`, `props`, `trigger` and `watch`
// come from gr.HTML. Names and prompts are untrusted text: they are inserted by textContent only.
const find = (selector) => element.querySelector(selector);
const list = find('.grid-cards'), dialog = find('dialog'), slider = find('input[type=range]'), stage = find('.compare-stage');
const sourceImage = find('.compare-source'), variationImage = find('.compare-variation');
const nodes = new Map(), excluded = new Set();
let items = [], current = -1, revision = 0;

// From the address in the browser: behind a proxy that rewrites Host, the server does not know it.
const base = new URL('.', location.href).href + 'gradio_api';
const url = (path) => path ? `${base}/file=${path.split('/').map(encodeURIComponent).join('/')}` : '';
const make = (tag, classes, text) => { const made = document.createElement(tag); if (classes) made.className = classes; if (text !== undefined) made.textContent = text; return made; };

function card(item) {
  const node = make('li', 'card'), open = make('button', 'card-open'), image = make('img'), text = make('div', 'card-text'), actions = make('div', 'card-actions');
  open.type = 'button';
  open.setAttribute('aria-label', `Compare ${item.file} with its source`);
  image.loading = 'lazy';
  image.decoding = 'async';
  image.alt = '';
  image.src = url(item.preview);
  open.append(image);
  open.onclick = () => show(items.findIndex((one) => one.file === item.file));
  const name = make('span', 'card-name', item.file.split('/').pop());
  name.title = item.file;
  text.append(name, make('span', 'card-how', `${item.engine}, strength ${item.strength}`), make('span', 'card-how', `seed ${item.seed}`));
  const more = make('button', 'aug-link', item.more), exclude = make('button', 'aug-link');
  for (const button of [more, exclude]) button.type = 'button';
  more.setAttribute('aria-label', `${item.more}: ${item.file}`);
  more.onclick = () => moreLikeThis(item);
  exclude.onclick = () => toggle(item);
  actions.append(more, exclude);
  node.append(open, text, actions);
  node.exclude = exclude;
  return node;
}

function mark(item) {
  const node = nodes.get(item.file), action = excluded.has(item.file) ? 'Include' : 'Exclude';
  if (!node) return;
  node.classList.toggle('card-excluded', excluded.has(item.file));
  node.exclude.textContent = action;
  node.exclude.setAttribute('aria-label', `${action}: ${item.file}`);
}

function draw() {
  items = props.items || [];
  revision = Math.max(revision, props.revision);
  if (!props.finished) excluded.clear();
  const wanted = new Set(items.map((item) => item.file));
  for (const file of nodes.keys()) if (!wanted.has(file)) nodes.delete(file);
  for (const item of items) {
    if (item.excluded) excluded.add(item.file);
    if (!nodes.has(item.file)) nodes.set(item.file, card(item));
    mark(item);
  }
  list.replaceChildren(...items.map((item) => nodes.get(item.file)));
  list.classList.toggle('grid-working', !props.finished);
  if (dialog.open && current >= items.length) dialog.close();
}

function toggle(item) {
  excluded.has(item.file) ? excluded.delete(item.file) : excluded.add(item.file);
  mark(item);
  if (dialog.open) showFacts();
  trigger('exclude', {files: [...excluded], revision: ++revision});
}

function moreLikeThis(item) {
  if (dialog.open) dialog.close();
  trigger('more', {file: item.file});
}

function moveDivider() {
  const share = Number(slider.value);
  sourceImage.style.clipPath = `inset(0 ${100 - share}% 0 0)`;
  stage.style.setProperty('--cut', share + '%');
}

function showFacts() {
  const item = items[current], source = item.source + (item.alignment && `, ${item.alignment}`);
  const rows = [['Source', source], ['Engine', item.engine], ['Strength', item.strength], ['Seed', item.seed], ['Change', item.changed]];
  if (item.prompt) rows.push(['Prompt', item.prompt]);
  if (item.style) rows.push(['Style', item.style]);
  find('.compare-facts').replaceChildren(...rows.map(([name, value]) => {
    const pair = make('div');
    pair.append(make('dt', '', name), make('dd', '', String(value)));
    return pair;
  }));
  find('[data-do=exclude]').textContent = excluded.has(item.file) ? 'Include' : 'Exclude';
  find('[data-do=more]').textContent = item.more;
  find('[data-do=previous]').disabled = current <= 0;
  find('[data-do=next]').disabled = current >= items.length - 1;
  for (const name of ['more', 'exclude']) find(`[data-do=${name}]`).hidden = !props.finished;
}

function show(number) {
  current = number;
  const item = items[current];
  if (!item) return;
  find('#compare-title').textContent = item.file;
  variationImage.src = url(item.preview);
  sourceImage.src = url(item.sourcePreview);
  sourceImage.hidden = !item.sourcePreview;
  find('.compare-tag-source').textContent = 'Source' + (item.alignment && `, ${item.alignment}`);
  slider.value = 50;
  moveDivider();
  showFacts();
  if (!dialog.open) { dialog.showModal(); slider.focus(); }
  if (props.finished) trigger('select', {file: item.file});
}

function showLarge() {
  const pair = props.pair, item = items[current];
  if (!dialog.open || !pair || !item || pair.file !== item.file) return;
  if (pair.preview) variationImage.src = url(pair.preview);
  if (pair.sourcePreview) sourceImage.src = url(pair.sourcePreview);
}

slider.addEventListener('input', moveDivider);
dialog.addEventListener('click', (event) => {
  const action = event.target === dialog ? 'close' : event.target.closest('[data-do]')?.dataset.do;
  if (action === 'close') dialog.close();
  else if (action === 'previous' && current > 0) show(current - 1);
  else if (action === 'next' && current < items.length - 1) show(current + 1);
  else if (action === 'more') moreLikeThis(items[current]);
  else if (action === 'exclude') toggle(items[current]);
});
dialog.addEventListener('close', () => nodes.get(items[current]?.file)?.querySelector('button')?.focus());
// Names in quotes would be events to Gradio, which sends the addresses of their objects with each update.
watch(Object.keys({ items: 0, finished: 0 }), draw);
watch(Object.keys({ pair: 0 }), showLarge);
draw();
