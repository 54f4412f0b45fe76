// The drop zone. `element`, `props`, `trigger` and `watch` come from gr.HTML. File names are untrusted text: they are
// inserted by textContent only.
const find = (selector) => element.querySelector(selector);
const zone = find('.drop-zone'), summary = find('.drop-summary'), uploadBar = find('.drop-upload');
const choice = find('.drop-choice');
const [filesInput, folderInput] = element.querySelectorAll('input[type=file]');
const IGNORED = /(^|\/)(__MACOSX|\.git)\/|(^|\/)(\.[^/]*|Thumbs\.db|desktop\.ini)$/;
// "a.jpeg_large", "a.jpg?w=640", "a.pjpeg", "a.tmp": the server looks at what they hold.
const LIKE_IMAGE = /\.(p?jpe?g|jfif|png|webp|gif|bmp|tiff?|heic|avif)[^/]*$|\.tmp$/;
const BATCH_FILES = 40, BATCH_BYTES = 48e6, PARALLEL_UPLOADS = 3, REFUSED_SHOWN = 50, CLASSES_SHOWN = 24;
const imageLimit = props.limits.files.toLocaleString('en');
let refused = [], found = null, busy = false, similar = null, comparing = false;

const size = (bytes) => bytes >= 1e9 ? (bytes / 1e9).toFixed(1) + ' GB' : bytes >= 1e6 ? Math.round(bytes / 1e6) + ' MB' : Math.ceil(bytes / 1e3) + ' kB';
const plural = (count, one, more) => count.toLocaleString('en') + ' ' + (count === 1 ? one : more);
const make = (tag, classes, text) => { const made = document.createElement(tag); if (classes) made.className = classes; if (text !== undefined) made.textContent = text; return made; };

find('.drop-limits').textContent = `Up to ${imageLimit} images per job, ${size(props.limits.fileBytes)} each; ZIPs up to ${size(props.limits.uploadBytes)}.`;

function refusal(rel, file) {
  const suffix = (/\.[^./]+$/.exec(rel) || [''])[0].toLowerCase();
  if (!file.size) return 'the file is empty (0 bytes); copy it again';
  const name = rel.toLowerCase(), isArchive = props.archives.some((known) => name.endsWith(known));
  if (props.unreadable[suffix]) return props.unreadable[suffix];
  if (suffix && !/^\.\d+$/.test(suffix) && !isArchive && !LIKE_IMAGE.test(name) && !props.suffixes.some((known) => name.endsWith(known))) return `${suffix} files are not supported; expected images, ZIPs or TARs`;
  const limit = isArchive ? props.limits.uploadBytes : Math.min(props.limits.fileBytes, props.limits.uploadBytes);
  if (file.size > limit) return `${size(file.size)} exceeds the limit of ${size(limit)}; make it smaller`;
  return null;
}

async function walk(entry, base, out) {
  if (entry.isFile) {
    out.push([base + entry.name, await new Promise((resolve, reject) => entry.file(resolve, reject))]);
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const children = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!children.length) return;
    for (const child of children) await walk(child, base + entry.name + '/', out);
  }
}

// From the address in the browser: behind a proxy that rewrites Host, the server does not know it.
const api = new URL('.', location.href).href + 'gradio_api';

function post(files, onProgress) {
  return new Promise((resolve, reject) => {
    const form = new FormData(), request = new XMLHttpRequest();
    for (const file of files) form.append('files', file);
    request.open('POST', api + '/upload');
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => request.status === 200 ? resolve(JSON.parse(request.responseText))
      : reject(new Error(request.status === 413 ? 'the server does not accept files of this size' : `the server returned status ${request.status}`));
    request.onerror = () => reject(new Error('the connection was lost; try again'));
    request.send(form);
  });
}

function batches(pairs) {
  const result = [];
  let last = null, bytes = 0;
  for (const pair of pairs) {
    if (!last || last.length >= BATCH_FILES || bytes + pair[1].size > BATCH_BYTES) { result.push(last = []); bytes = 0; }
    last.push(pair);
    bytes += pair[1].size;
  }
  return result;
}

// The files to upload; others go to `refused`, and those that were uploaded before are skipped.
function accepted(pairs, uploaded) {
  const wanted = [], seen = new Set(uploaded.map((one) => one.rel + '\n' + one.file.size));
  for (const [rel, file] of pairs) {
    if (IGNORED.test(rel)) continue;
    const reason = refusal(rel, file);
    if (reason) refused.push({file: rel, reason});
    else if (uploaded.length + wanted.length >= 2 * props.limits.files) refused.push({file: rel, reason: `over the limit of ${imageLimit} images per job`});
    else if (!seen.has(rel + '\n' + file.size)) wanted.push([rel, file]);
  }
  return wanted;
}

function showProgress(count, done, total) {
  const share = total ? Math.min(100, Math.round(100 * done / total)) : 100;
  uploadBar.hidden = !count;
  uploadBar.querySelector('i').style.width = share + '%';
  uploadBar.querySelector('[role=progressbar]').setAttribute('aria-valuenow', share);
  uploadBar.querySelector('span').textContent = share < 100 ? `Uploading ${plural(count, 'file', 'files')}: ${size(Math.min(done, total))} of ${size(total)}` : 'Inspecting files';
}

// Where files are there already, the visitor says whether others are added to them or take their place.
function choose(act) {
  const there = (props.value || []).length;
  if (!there) return act(false);
  choice.querySelector('p').textContent = `${plural(there, 'file is', 'files are')} here already.`;
  choice.hidden = false;
  choice.onclick = (event) => {
    const chosen = event.target.closest('[data-choice]')?.dataset.choice;
    if (!chosen) return;
    choice.hidden = true;
    if (chosen !== 'cancel') act(chosen === 'add');
    zone.querySelector('button').focus();
  };
  choice.querySelector('button').focus();
}

async function addFiles(pairs, keepsOthers) {
  if (busy || !pairs.length) return;
  busy = true;
  if (!keepsOthers) refused = [];
  const uploaded = keepsOthers ? props.value || [] : [], wanted = accepted(pairs, uploaded), queue = batches(wanted);
  const total = wanted.reduce((sum, pair) => sum + pair[1].size, 0), sent = queue.map(() => 0), results = queue.map(() => []);
  const update = () => showProgress(wanted.length, sent.reduce((a, b) => a + b, 0), total);
  update();
  let next = 0;
  const worker = async () => {
    while (next < queue.length) {
      const number = next++, batch = queue[number];
      try {
        const paths = await post(batch.map((pair) => pair[1]), (bytes) => { sent[number] = bytes; update(); });
        results[number] = batch.map(([rel, file], i) => ({rel, file: {path: paths[i], orig_name: file.name, size: file.size, mime_type: file.type || null, meta: {_type: 'gradio.FileData'}}}));
      } catch (error) {
        for (const [rel] of batch) refused.push({file: rel, reason: `upload failed: ${error.message}`});
      }
    }
  };
  await Promise.all(Array.from({length: PARALLEL_UPLOADS}, worker));
  busy = false;
  const fresh = results.flat();
  if (!fresh.length) return draw();
  props.value = [...uploaded, ...fresh];
  trigger('upload');
}

function clear() {
  refused = [];
  found = null;
  props.value = [];
  trigger('upload');
  draw();
  zone.querySelector('button').focus();
}

function draw() {
  uploadBar.hidden = true;
  summary.replaceChildren();
  element.firstElementChild.classList.toggle('drop-filled', Boolean(found?.images));
  if (found?.images || found?.holdout || found?.notices?.length) drawFound();
  drawRefused();
}

function drawFound() {
  const line = make('p', 'drop-count'), text = make('span'), checked = found.check?.images;
  const objects = found.check?.objects || 0;
  text.append(make('strong', '', plural(found.images, 'image', 'images')), ` · ${found.size}`);
  if (found.layout) text.append(` · ${found.layout}`);
  if (objects) text.append(` · ${plural(objects, 'object', 'objects')}${checked.examined < checked.count ? ` in the ${checked.examined.toLocaleString('en')} images examined` : ''}`);
  if (found.holdout) text.append(` · ${plural(found.holdout, 'validation/test image', 'validation/test images')}, copied unchanged`);
  const remove = make('button', 'aug-link', 'Clear');
  remove.type = 'button';
  remove.setAttribute('aria-label', 'Clear all files');
  remove.onclick = clear;
  line.append(text, remove);
  summary.append(line, thumbnails());
  if (found.classes.length) summary.append(classes());
  else if (!found.layout) summary.append(make('p', 'drop-note', 'No class folders: the images are unlabelled.'));
  for (const notice of found.notices || []) summary.append(make('p', 'drop-note aug-warn', sentence(notice)));
  if (found.check?.images) summary.append(check(), comparison());
}

// A first word that is a file, a path or a name in quotes stays as it is; backquotes are of the command line.
function sentence(text) {
  const plain = text.replaceAll('`', '');
  return /^[a-z]+(-[a-z]+)*[ ,;]/.test(plain) && plain === text ? plain[0].toUpperCase() + plain.slice(1) : plain;
}

function thumbnails() {
  const strip = make('ul', 'drop-thumbs'), more = found.images - found.thumbnails.length;
  for (const one of found.thumbnails) {
    const item = make('li'), image = make('img');
    image.src = one.src;
    image.alt = one.name;
    image.title = one.name;
    item.append(image);
    strip.append(item);
  }
  if (more > 0) strip.append(make('li', 'drop-more', '+' + more.toLocaleString('en')));
  return strip;
}

function classes() {
  const list = make('ul', 'drop-classes'), title = plural(found.classesTotal, 'class', 'classes');
  list.setAttribute('aria-label', title);
  list.append(make('li', 'drop-classes-name', title));
  for (const one of found.classes.slice(0, CLASSES_SHOWN)) {
    const item = make('li', 'aug-chip', one.name);
    if (one.total) {
      item.append(make('b', '', one.count === one.total ? String(one.count) : `${one.count} of ${one.total}`));
      const counted = found.check?.classes?.find((known) => known.name === one.name);
      const objects = counted?.objects ? plural(counted.objects, 'object', 'objects') + '. ' : '';
      item.title = objects;
      if (one.count !== one.total) item.title = `${objects}${plural(one.count, 'image is', 'images are')} augmented, the others are for validation and test`;
    }
    list.append(item);
  }
  if (found.classesTotal > CLASSES_SHOWN) list.append(make('li', '', `and ${found.classesTotal - CLASSES_SHOWN} more`));
  return list;
}

// What was found in images and labels, folded away unless labels are lost or untrue.
function check() {
  const {images, splits, classes, findings} = found.check, problems = findings.filter((one) => one.problem).length;
  const box = make('details', 'drop-check'), counts = [];
  if (problems) counts.push(plural(problems, 'problem', 'problems'));
  if (findings.length > problems) counts.push(plural(findings.length - problems, 'note', 'notes'));
  box.append(make('summary', problems ? 'drop-problem' : '', `Dataset check: ${counts.join(', ') || 'nothing found'}`));
  const facts = [];
  if (images.examined < images.count) facts.push(`${images.examined.toLocaleString('en')} of ${plural(images.count, 'image', 'images')} examined`);
  if (splits.some((one) => one.split !== 'none')) facts.push(splits.map((one) => `${one.images.toLocaleString('en')} ${one.split}`).join(', '));
  if (images.sizes) facts.push(`sizes ${['min', 'median', 'max'].map((name) => `${images.sizes[name].join('×')} (${name})`).join(', ')}`);
  box.append(make('p', 'drop-note', facts.join(' · ')));
  if (classes.some((one) => one.objects)) box.append(classTable(classes));
  box.append(...findings.flatMap(listed));
  box.open = problems > 0;
  return box;
}

function listed(one) {
  const list = make('ul');
  for (const example of one.examples) list.append(make('li', '', example));
  if (one.count > one.examples.length) list.append(make('li', '', `and ${(one.count - one.examples.length).toLocaleString('en')} more`));
  return [make('p', one.problem ? 'drop-problem' : '', `${one.title} (${one.count.toLocaleString('en')})`), list];
}

// What a pretrained network sees in the images, which takes a while and is compared only when asked.
function comparison() {
  const box = make('div', 'drop-check'), total = found.check.images.count;
  if (similar?.findings) {
    const some = similar.compared < total ? ` of ${total.toLocaleString('en')}` : '';
    const what = similar.compared < 2 ? 'It takes at least two that can be read.' : similar.findings.length ? 'Hints, worst first; look at them before you change anything.' : 'No likely mislabels, look-alikes across splits or outliers were found.';
    box.append(make('p', 'drop-note', `${similar.compared.toLocaleString('en')}${some} ${total === 1 ? 'image' : 'images'} compared by a pretrained network. ${what}`), ...similar.findings.flatMap(listed));
    return box;
  }
  if (comparing) {
    box.append(make('p', 'drop-note', 'Comparing the images'));
    return box;
  }
  const button = make('button', 'aug-link', 'Check for likely mislabels and look-alikes');
  button.type = 'button';
  button.onclick = () => { comparing = true; similar = props.similar = null; draw(); trigger('compare'); };
  box.append(button);
  if (similar?.error) box.append(make('p', 'drop-note aug-warn', `Not compared: ${similar.error}`));
  return box;
}

function classTable(classes) {
  const table = make('table'), body = make('tbody'), head = make('tr');
  for (const name of ['Class', 'Images', 'Augmented', 'Objects']) { const cell = make('th', '', name); cell.scope = 'col'; head.append(cell); }
  for (const one of classes.slice(0, CLASSES_SHOWN)) {
    const row = make('tr');
    for (const value of [one.name, one.images, one.augmented_images, one.objects ?? '']) row.append(make('td', '', value.toLocaleString('en')));
    body.append(row);
  }
  const top = make('thead');
  top.append(head);
  table.append(top, body);
  return table;
}

function drawRefused() {
  const all = [...refused, ...(found?.refused || [])], count = refused.length + (found?.refusedTotal || 0);
  if (!count) return;
  const box = make('details', 'aug-refused'), list = make('ul');
  box.open = count <= 5;
  box.append(make('summary', '', `${plural(count, 'file', 'files')} cannot be used`));
  for (const one of all.slice(0, REFUSED_SHOWN)) {
    const item = make('li');
    item.append(make('b', '', one.file), ' ' + one.reason);
    list.append(item);
  }
  if (count > REFUSED_SHOWN) list.append(make('li', '', `and ${count - REFUSED_SHOWN} more`));
  box.append(list);
  summary.append(box);
}

element.addEventListener('click', (event) => {
  const pick = event.target.closest('[data-pick]')?.dataset.pick;
  if (pick === 'files') filesInput.click();
  else if (pick === 'folder') folderInput.click();
  else if (pick === 'samples') {
    choose((add) => {
      if (!add) refused = [];
      uploadBar.hidden = false;
      uploadBar.querySelector('span').textContent = 'Loading the samples';
      trigger('select', {add});
    });
  }
});
for (const input of [filesInput, folderInput]) {
  input.addEventListener('change', (event) => {
    event.stopPropagation();
    const pairs = [...input.files].map((file) => [file.webkitRelativePath || file.name, file]);
    input.value = '';
    if (pairs.length && !busy) choose((add) => addFiles(pairs, add));
  });
}
let depth = 0;
zone.addEventListener('dragenter', (event) => { event.preventDefault(); depth++; zone.classList.add('drop-over'); });
zone.addEventListener('dragleave', () => { if (--depth <= 0) zone.classList.remove('drop-over'); });
zone.addEventListener('dragover', (event) => event.preventDefault());
zone.addEventListener('drop', async (event) => {
  event.preventDefault();
  depth = 0;
  zone.classList.remove('drop-over');
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean), pairs = [];
  for (const entry of entries) {
    try { await walk(entry, '', pairs); }
    catch (error) { refused.push({file: entry.name, reason: 'the browser could not read this folder'}); }
  }
  if (!pairs.length) draw();
  else if (!busy) choose((add) => addFiles(pairs, add));
});
watch('summary', () => { found = props.summary; similar = null; comparing = false; draw(); });
watch('similar', () => { if (comparing && props.similar) { similar = props.similar; comparing = false; draw(); } });
