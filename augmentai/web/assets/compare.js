// The dialog that compares a variation with its source; it continues grid.js. gr.ImageSlider shows no labels, cannot be
// walked through, and fetches its images before anybody looks.
const dialog = find('dialog'), slider = find('input[type=range]'), stage = find('.compare-stage'), view = find('.compare-view');
const sourceImage = find('.compare-source'), variationImage = find('.compare-variation');
const sourceLabels = find('.compare-source-labels'), variationLabels = find('.compare-labels');
let current = -1, isZoomed = false, saved = null;

function moveDivider() {
  const share = Number(slider.value);
  for (const image of [sourceImage, sourceLabels]) image.style.clipPath = `inset(0 ${100 - share}% 0 0)`;
  for (const image of [variationLabels]) image.style.clipPath = `inset(0 0 0 ${share}%)`;
  stage.style.setProperty('--cut', share + '%');
}

function showFacts() {
  const item = items[current], source = item.source + (item.alignment && `, ${item.alignment}`);
  const rows = [['Source', source], ['Class', item.label], ['Objects', item.objects], ['Engine', item.engine], ['Strength', item.strength], ['Seed', item.seed], ['Change', item.changed], ['Filters', item.scores], ['Size', `${item.width} × ${item.height}`], ['Prompt', item.prompt], ['Style', item.style]];
  find('.compare-facts').replaceChildren(...rows.filter(([, value]) => value !== '').map(([name, value]) => {
    const pair = make('div');
    pair.append(make('dt', '', name), make('dd', '', String(value)));
    return pair;
  }));
  find('[data-do=exclude]').textContent = excluded.has(item.file) ? 'Include' : 'Exclude';
  find('[data-do=more]').textContent = item.more;
  find('[data-do=previous]').disabled = current <= 0;
  find('[data-do=next]').disabled = current >= items.length - 1;
  for (const name of ['more', 'exclude', 'save', 'zoom']) find(`[data-do=${name}]`).hidden = !props.finished;
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
  showLabels();
  stage.style.setProperty('--w', item.width);
  stage.style.setProperty('--h', item.height);
  slider.value = 50;
  moveDivider();
  showFacts();
  if (!dialog.open) { dialog.showModal(); slider.focus(); }
  if (!props.finished) return;
  if (isZoomed) fetchFull(); else trigger('select', {file: item.file});
}

function showLabels() {
  const item = items[current], toggle = find('[data-do=labels]'), on = toggle.getAttribute('aria-pressed') === 'true';
  toggle.hidden = !item.drawing && !item.sourceDrawing;
  for (const [image, path] of [[variationLabels, item.drawing], [sourceLabels, item.sourceDrawing]]) {
    image.hidden = !on || !path;
    if (path) showDrawing(image, path, true);
  }
}

function showLarge() {
  const pair = props.pair, item = items[current];
  if (!dialog.open || !pair || !item || pair.file !== item.file) return;
  if (pair.preview) variationImage.src = url(pair.preview);
  if (pair.sourcePreview) { sourceImage.src = url(pair.sourcePreview); sourceImage.hidden = false; }
}

function showFull() {
  const full = props.pixels, item = items[current];
  if (!full || !item || full.file !== item.file) return;
  if (dialog.open && isZoomed) {
    if (full.preview) variationImage.src = url(full.preview);
    if (full.sourcePreview) sourceImage.src = url(full.sourcePreview);
  }
  if (saved !== full.file || !full.save) return;
  saved = null;
  const link = make('a');
  link.href = url(full.save);
  link.download = full.file.split('/').pop();
  link.click();
}

function fetchFull() {
  const file = items[current].file;
  if (props.pixels?.file === file) showFull(); else trigger('full', {file});
}

function zoom(on) {
  isZoomed = on;
  view.classList.toggle('compare-zoomed', on);
  find('[data-do=zoom]').setAttribute('aria-pressed', String(on));
  if (!on) return;
  fetchFull();
  view.scrollTo((view.scrollWidth - view.clientWidth) / 2, (view.scrollHeight - view.clientHeight) / 2);
}

function closeDialog() { if (dialog.open) dialog.close(); }
function decided() { if (dialog.open) showFacts(); }
function itemsChanged() { if (dialog.open && current >= items.length) dialog.close(); else if (dialog.open) showFacts(); }

function act(action) {
  const item = items[current];
  if (action === 'close') dialog.close();
  else if (action === 'previous' && current > 0) show(current - 1);
  else if (action === 'next' && current < items.length - 1) show(current + 1);
  else if (action === 'labels') {
    const toggle = find('[data-do=labels]');
    toggle.setAttribute('aria-pressed', String(toggle.getAttribute('aria-pressed') !== 'true'));
    showLabels();
  } else if (!props.finished) return;
  else if (action === 'more') moreLikeThis(item);
  else if (action === 'exclude') decide([item], !excluded.has(item.file));
  else if (action === 'zoom') zoom(!isZoomed);
  else if (action === 'save') { saved = item.file; fetchFull(); }
}

slider.addEventListener('input', moveDivider);
dialog.addEventListener('click', (event) => act(event.target === dialog ? 'close' : event.target.closest('[data-do]')?.dataset.do));
dialog.addEventListener('keydown', (event) => {
  const sideways = event.target === slider ? {} : {ArrowLeft: 'previous', ArrowRight: 'next'};
  const action = {ArrowUp: 'previous', ArrowDown: 'next', x: 'exclude', z: 'zoom', l: 'labels', ...sideways}[event.key];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act(action);
});
dialog.addEventListener('close', () => { zoom(false); nodes.get(items[current]?.file)?.open.focus(); });
// Names in quotes would be events to Gradio, which sends the addresses of their objects with each update.
watch(Object.keys({ items: 0, finished: 0, stamp: 0 }), draw);
watch(Object.keys({ pair: 0 }), showLarge);
watch(Object.keys({ pixels: 0 }), showFull);
draw();
