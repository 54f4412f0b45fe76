// The drop zone. `element`, `props`, `trigger` and `watch` come from gr.HTML. Names of files are strangers' text: they
// reach the page by textContent only.
const find = (selector) => element.querySelector(selector);
const zone = find('.drop-zone'), about = find('.drop-about'), sending = find('.drop-sending');
const [filesInput, folderInput] = element.querySelectorAll('input[type=file]');
const IGNORED = /(^|\/)(__MACOSX|\.git)\/|(^|\/)(\.[^/]*|Thumbs\.db|desktop\.ini)$/;
const BATCH_FILES = 40, BATCH_BYTES = 48e6, SIDE_BY_SIDE = 3, SHOWN = 50;
let refused = [], known = null, busy = false;

const words = (bytes) => bytes >= 1e9 ? (bytes / 1e9).toFixed(1) + ' GB' : bytes >= 1e6 ? Math.round(bytes / 1e6) + ' MB' : Math.ceil(bytes / 1e3) + ' kB';
const many = (count, one, more) => count.toLocaleString('en') + ' ' + (count === 1 ? one : more);
const make = (tag, classes, text) => { const made = document.createElement(tag); if (classes) made.className = classes; if (text !== undefined) made.textContent = text; return made; };

find('.drop-limits').textContent = `Up to ${props.limits.files.toLocaleString('en')} pictures a job, ${words(props.limits.fileBytes)} each; ZIPs up to ${words(props.limits.uploadBytes)}.`;

function whyRefused(rel, file) {
  const suffix = (/\.[^./]+$/.exec(rel) || [''])[0].toLowerCase();
  if (!file.size) return 'the file is empty (0 bytes); copy it again';
  if (suffix && !/^\.\d+$/.test(suffix) && !props.suffixes.some((known) => rel.toLowerCase().endsWith(known))) return `a ${suffix} file is no picture and no ZIP`;
  const limit = suffix === '.zip' ? props.limits.uploadBytes : Math.min(props.limits.fileBytes, props.limits.uploadBytes);
  if (file.size > limit) return `${words(file.size)} is more than the limit of ${words(limit)}; make it smaller`;
  return null;
}

async function walk(entry, base, out) {
  if (entry.isFile) {
    out.push([base + entry.name, await new Promise((ok, no) => entry.file(ok, no))]);
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((ok, no) => reader.readEntries(ok, no));
    if (!some.length) return;
    for (const one of some) await walk(one, base + entry.name + '/', out);
  }
}

// By the address in the browser: behind a proxy that rewrites Host, the server knows no better.
const api = new URL('.', location.href).href + 'gradio_api';

function post(files, tell) {
  return new Promise((ok, no) => {
    const form = new FormData(), request = new XMLHttpRequest();
    for (const file of files) form.append('files', file);
    request.open('POST', api + '/upload');
    request.upload.onprogress = (event) => tell(event.loaded);
    request.onload = () => request.status === 200 ? ok(JSON.parse(request.responseText))
      : no(new Error(request.status === 413 ? 'the server takes no file of this size' : `the server answered ${request.status}`));
    request.onerror = () => no(new Error('the connection broke off; try again'));
    request.send(form);
  });
}

function batches(pairs) {
  const made = [];
  let last = null, bytes = 0;
  for (const pair of pairs) {
    if (!last || last.length >= BATCH_FILES || bytes + pair[1].size > BATCH_BYTES) { made.push(last = []); bytes = 0; }
    last.push(pair);
    bytes += pair[1].size;
  }
  return made;
}

async function take(pairs) {
  if (busy || !pairs.length) return;
  busy = true;
  const held = props.value || [], wanted = [], seen = new Set(held.map((one) => one.rel + '\n' + one.file.size));
  for (const [rel, file] of pairs) {
    if (IGNORED.test(rel)) continue;
    const reason = whyRefused(rel, file);
    if (reason) refused.push({file: rel, reason});
    else if (held.length + wanted.length >= 2 * props.limits.files) refused.push({file: rel, reason: `beyond the limit of ${props.limits.files} pictures a job`});
    else if (!seen.has(rel + '\n' + file.size)) wanted.push([rel, file]);
  }
  const total = wanted.reduce((sum, pair) => sum + pair[1].size, 0), queue = batches(wanted), sent = queue.map(() => 0), got = queue.map(() => []);
  const show = () => {
    const done = sent.reduce((a, b) => a + b, 0), share = total ? Math.min(100, Math.round(100 * done / total)) : 100;
    sending.querySelector('i').style.width = share + '%';
    sending.querySelector('[role=progressbar]').setAttribute('aria-valuenow', share);
    sending.querySelector('span').textContent = share < 100 ? `Sending ${many(wanted.length, 'file', 'files')}: ${words(Math.min(done, total))} of ${words(total)}` : 'Looking at them';
  };
  sending.hidden = !wanted.length;
  show();
  let next = 0;
  const worker = async () => {
    while (next < queue.length) {
      const number = next++, batch = queue[number];
      try {
        const paths = await post(batch.map((pair) => pair[1]), (bytes) => { sent[number] = bytes; show(); });
        got[number] = batch.map(([rel, file], i) => ({rel, file: {path: paths[i], orig_name: file.name, size: file.size, mime_type: file.type || null, meta: {_type: 'gradio.FileData'}}}));
      } catch (error) {
        for (const [rel] of batch) refused.push({file: rel, reason: `could not be sent: ${error.message}`});
      }
    }
  };
  await Promise.all(Array.from({length: SIDE_BY_SIDE}, worker));
  busy = false;
  const fresh = got.flat();
  if (fresh.length) {
    props.value = [...held, ...fresh];
    trigger('upload');
  } else { sending.hidden = true; draw(); }
}

function clear() {
  refused = [];
  known = null;
  props.value = [];
  trigger('upload');
  draw();
  zone.querySelector('button').focus();
}

function draw() {
  sending.hidden = true;
  about.replaceChildren();
  const all = [...refused, ...(known?.refused || [])], count = refused.length + (known?.refused_in_all || 0);
  element.firstElementChild.classList.toggle('drop-filled', Boolean(known?.pictures));
  if (known?.pictures) {
    const line = make('p', 'drop-count');
    line.append(make('strong', '', many(known.pictures, 'picture', 'pictures')), ` · ${known.size}`);
    if (known.layout) line.append(` · ${known.layout}`);
    if (known.carried) line.append(` · ${known.carried.toLocaleString('en')} more for validation and test stay as they are`);
    const remove = make('button', 'aug-link', 'Clear');
    remove.type = 'button';
    remove.setAttribute('aria-label', 'Clear all files');
    remove.onclick = clear;
    line.append(remove);
    const strip = make('ul', 'drop-thumbs');
    for (const one of known.thumbs) {
      const item = make('li'), image = make('img');
      image.src = one.src;
      image.alt = one.name;
      image.title = one.name;
      item.append(image);
      strip.append(item);
    }
    if (known.pictures > known.thumbs.length) strip.append(make('li', 'drop-more', '+' + (known.pictures - known.thumbs.length).toLocaleString('en')));
    about.append(line, strip);
    if (known.classes.length) {
      const list = make('ul', 'drop-classes');
      list.setAttribute('aria-label', many(known.classes.length, 'class', 'classes'));
      list.append(make('li', 'drop-classes-name', many(known.classes.length, 'class', 'classes')));
      for (const one of known.classes.slice(0, 24)) {
        const item = make('li', 'aug-chip', one.name);
        if (one.count) item.append(make('b', '', String(one.count)));
        list.append(item);
      }
      if (known.classes.length > 24) list.append(make('li', '', `and ${known.classes.length - 24} more`));
      about.append(list);
    } else if (!known.layout) about.append(make('p', 'drop-note', 'No class folders: the pictures stay unlabelled.'));
  }
  if (count) {
    const box = make('details', 'aug-refused');
    box.open = count <= 5;
    box.append(make('summary', '', `${many(count, 'file', 'files')} cannot be used`));
    const list = make('ul');
    for (const one of all.slice(0, SHOWN)) {
      const item = make('li');
      item.append(make('b', '', one.file), ' ' + one.reason);
      list.append(item);
    }
    if (count > SHOWN) list.append(make('li', '', `and ${count - SHOWN} more`));
    box.append(list);
    about.append(box);
  }
}

element.addEventListener('click', (event) => {
  const pick = event.target.closest('[data-pick]')?.dataset.pick;
  if (pick === 'files') filesInput.click();
  else if (pick === 'folder') folderInput.click();
  else if (pick === 'samples') {
    refused = [];
    sending.hidden = false;
    sending.querySelector('span').textContent = 'Looking at the samples';
    trigger('select');
  }
});
for (const input of [filesInput, folderInput]) {
  input.addEventListener('change', (event) => {
    event.stopPropagation();
    take([...input.files].map((file) => [file.webkitRelativePath || file.name, file]));
    input.value = '';
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
    catch (error) { refused.push({file: entry.name, reason: 'this folder could not be read by the browser'}); }
  }
  if (pairs.length) take(pairs); else draw();
});
watch('about', () => { known = props.about; draw(); });
