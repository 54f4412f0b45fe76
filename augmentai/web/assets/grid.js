// The grid of results and the window that compares one with its source. `element`, `props`, `trigger` and `watch` come
// from gr.HTML. Names and prompts are strangers' text: they reach the page by textContent only.
const find = (selector) => element.querySelector(selector);
const list = find('.grid-cards'), dialog = find('dialog'), slider = find('input[type=range]'), stage = find('.compare-stage');
const [over, under] = [find('.compare-before'), find('.compare-after')];
const nodes = new Map(), out = new Set();
let items = [], at = -1, turn = 0;

// By the address in the browser: behind a proxy that rewrites Host, the server knows no better.
const base = new URL('.', location.href).href + 'gradio_api';
const url = (path) => path ? `${base}/file=${path.split('/').map(encodeURIComponent).join('/')}` : '';
const make = (tag, classes, text) => { const made = document.createElement(tag); if (classes) made.className = classes; if (text !== undefined) made.textContent = text; return made; };

function card(item) {
  const node = make('li', 'card'), open = make('button', 'card-open'), image = make('img'), text = make('div', 'card-text'), acts = make('div', 'card-acts');
  open.type = 'button';
  open.setAttribute('aria-label', `Compare ${item.file} with its source`);
  image.loading = 'lazy';
  image.decoding = 'async';
  image.alt = '';
  image.src = url(item.after);
  open.append(image);
  open.onclick = () => show(items.findIndex((one) => one.file === item.file));
  const name = make('span', 'card-name', item.file.split('/').pop());
  name.title = item.file;
  text.append(name, make('span', 'card-how', `${item.engine}, strength ${item.strength}`), make('span', 'card-how', `seed ${item.seed}`));
  const more = make('button', 'aug-link', 'More like this'), leave = make('button', 'aug-link');
  for (const button of [more, leave]) button.type = 'button';
  more.setAttribute('aria-label', `More like this: ${item.file}`);
  more.onclick = () => ask(item);
  leave.onclick = () => toggle(item);
  acts.append(more, leave);
  node.append(open, text, acts);
  node.leave = leave;
  return node;
}

function mark(item) {
  const node = nodes.get(item.file), gone = out.has(item.file);
  if (!node) return;
  node.classList.toggle('card-out', gone);
  node.leave.textContent = gone ? 'Keep' : 'Drop';
  node.leave.setAttribute('aria-label', `${gone ? 'Keep it' : 'Drop this one'}: ${item.file}`);
}

function draw() {
  items = props.items || [];
  if (!props.finished) out.clear();
  const wanted = new Set(items.map((item) => item.file));
  for (const file of nodes.keys()) if (!wanted.has(file)) nodes.delete(file);
  for (const item of items) {
    if (item.out) out.add(item.file);
    if (!nodes.has(item.file)) nodes.set(item.file, card(item));
    mark(item);
  }
  list.replaceChildren(...items.map((item) => nodes.get(item.file)));
  list.classList.toggle('grid-working', !props.finished);
  if (dialog.open && at >= items.length) dialog.close();
}

function toggle(item) {
  out.has(item.file) ? out.delete(item.file) : out.add(item.file);
  mark(item);
  if (dialog.open) facts();
  trigger('leave_out', {files: [...out], turn: ++turn});
}

function ask(item) {
  if (dialog.open) dialog.close();
  trigger('more', {file: item.file});
}

function cut() {
  const share = Number(slider.value);
  over.style.clipPath = `inset(0 ${100 - share}% 0 0)`;
  stage.style.setProperty('--cut', share + '%');
}

function facts() {
  const item = items[at], rows = [['Source', item.source + (item.lies && `, ${item.lies}`)], ['Made by', item.engine], ['Strength', item.strength], ['Seed', item.seed], ['Changed', item.changed]];
  if (item.prompt) rows.push(['Prompt', item.prompt]);
  if (item.look) rows.push(['Look from', item.look]);
  find('.compare-facts').replaceChildren(...rows.flatMap(([name, value]) => {
    const pair = make('div');
    pair.append(make('dt', '', name), make('dd', '', String(value)));
    return [pair];
  }));
  find('[data-do=out]').textContent = out.has(item.file) ? 'Keep it' : 'Drop this one';
  find('[data-do=previous]').disabled = at <= 0;
  find('[data-do=next]').disabled = at >= items.length - 1;
  for (const name of ['more', 'out']) find(`[data-do=${name}]`).hidden = !props.finished;
}

function show(number) {
  at = number;
  const item = items[at];
  if (!item) return;
  find('#compare-title').textContent = item.file;
  under.onload = () => stage.style.setProperty('--shape', under.naturalWidth / under.naturalHeight);
  under.src = url(item.after);
  over.src = url(item.before);
  over.hidden = !item.before;
  find('.compare-tag-before').textContent = 'Source' + (item.lies && `, ${item.lies}`);
  slider.value = 50;
  cut();
  facts();
  if (!dialog.open) { dialog.showModal(); slider.focus(); }
  if (props.finished) trigger('select', {file: item.file});
}

function swap() {
  const pair = props.pair, item = items[at];
  if (!dialog.open || !pair || !item || pair.file !== item.file) return;
  if (pair.after) under.src = url(pair.after);
  if (pair.before) over.src = url(pair.before);
}

slider.addEventListener('input', cut);
dialog.addEventListener('click', (event) => {
  const what = event.target === dialog ? 'close' : event.target.closest('[data-do]')?.dataset.do;
  if (what === 'close') dialog.close();
  else if (what === 'previous' && at > 0) show(at - 1);
  else if (what === 'next' && at < items.length - 1) show(at + 1);
  else if (what === 'more') ask(items[at]);
  else if (what === 'out') toggle(items[at]);
});
dialog.addEventListener('close', () => nodes.get(items[at]?.file)?.querySelector('button')?.focus());
watch(['items', 'finished'], draw);
watch('pair', swap);
draw();
