// The tab's address and title, and the warning before a job is lost: Gradio has no parts for these. `props` and `watch`
// come from gr.HTML; `props.job` is null until the page has been answered for the first time.
// Names of properties in quotes would be events to Gradio, which sends the addresses of their objects.
const [PARAMETER] = Object.keys({ job: 0 });

function setAddress() {
  if (props.job === null) return;
  const address = new URL(location.href);
  if (props.job) address.searchParams.set(PARAMETER, props.job); else address.searchParams.delete(PARAMETER);
  if (address.href === location.href) return;
  history.replaceState(history.state, '', address);
  // A Space is shown in a frame: its visitor sees, copies and reloads the address of the page around it.
  if (parent !== window) parent.postMessage({queryString: address.search.slice(1), hash: ''}, 'https://huggingface.co');
}

// Without storage, whoever closes the tab cannot come back: then nothing is left to lose only before the first job.
function remembers() {
  try { return Boolean(localStorage.getItem('augmentai-visitor')); } catch (error) { return false; }
}

// Photos that were chosen are in no job yet: they would have to be sent again.
let isGiven = false;
document.addEventListener('change', (event) => { if (event.target.matches('#files input[type=file]')) isGiven = true; }, true);
document.addEventListener('drop', (event) => { if (event.target.closest('#files')) isGiven = true; }, true);
document.addEventListener('click', (event) => { if (event.target.closest('#files .drop-count .aug-link')) isGiven = false; }, true);

addEventListener('beforeunload', (event) => {
  if (props.warn || (props.job ? !remembers() : isGiven)) event.preventDefault();
});

// Where the results are below the settings, as on a phone, a job that begins or is come back to is brought into view.
function reveal() {
  const headline = document.getElementById('headline'), left = document.getElementById('left');
  if (!props.job || !headline || headline.getBoundingClientRect().top < left.getBoundingClientRect().bottom) return;
  requestAnimationFrame(() => headline.scrollIntoView({block: 'start'}));
}
watch(Object.keys({ job: 0 }), setAddress);
watch(Object.keys({ job: 0 }), reveal);

// A button that is disabled or hidden while a job works loses the focus, and with it the place of whoever uses the keyboard.
const BUTTONS = ['augment', 'stop', 'resume', 'exclude-all', 'include-all', 'undo'];
const [PRESSED] = Object.keys({ 'augmentai-pressed': 0 });
let pressed = pressedBefore();
document.addEventListener('focusin', (event) => {
  if (event.target.closest('[data-testid=toast-body]')) return;  // once it is closed, the focus goes back
  pressed = BUTTONS.includes(event.target.id) ? event.target.id : '';
});

// Gradio loads the page anew when a lost connection is back; without storage, that button is not found again.
function pressedBefore() {
  try {
    const before = sessionStorage.getItem(PRESSED) || '';
    sessionStorage.removeItem(PRESSED);
    return performance.getEntriesByType('navigation')[0].type === 'reload' ? before : '';
  } catch (error) { return ''; }
}
addEventListener('pagehide', () => { try { sessionStorage.setItem(PRESSED, pressed); } catch (error) { /* none */ } });

function restoreFocus() {
  if (!pressed || document.activeElement !== document.body) return;
  const button = [pressed, 'stop', 'augment'].map((id) => document.getElementById(id)).find((one) => one && !one.disabled && one.offsetParent);
  if (!button) return;
  const before = pressed;
  button.focus({preventScroll: true});
  pressed = before;  // it comes back to where it was once that button works again
}
new MutationObserver(() => requestAnimationFrame(restoreFocus)).observe(document.body, {subtree: true, childList: true, attributes: true, attributeFilter: ['disabled', 'class']});
// A visitor who ticks it, and allows it in the browser, is notified when a job ends while the tab is not looked at.
document.documentElement.classList.toggle('aug-cannot-notify', !('Notification' in window));
document.addEventListener('change', async (event) => {
  if (!event.target.matches('#notify input') || !event.target.checked) return;
  const isAllowed = await Notification.requestPermission() === 'granted';
  event.target.closest('#notify').classList.toggle('aug-blocked', !isAllowed);
  if (!isAllowed && event.target.checked) event.target.click();
});

function notify(title) {
  if (!document.hidden || !document.querySelector('#notify input')?.checked || Notification.permission !== 'granted') return;
  try {
    const note = new Notification(title, {body: document.title, tag: props.job || title});
    note.onclick = () => { focus(); note.close(); };
  } catch (error) { /* phones have notifications of installed apps alone */ }
}

function setTitle() {
  const [ended] = /^(Done|Failed)(?= )/.exec(props.title) || [], wasAtWork = /^(\d+ %|Starting|Queued)/.test(document.title);
  document.title = props.title;
  if (ended && wasAtWork) notify(ended === 'Done' ? 'Your variations are ready' : 'Your job has failed');
}
watch(Object.keys({ title: 0 }), setTitle);
