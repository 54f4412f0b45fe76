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

addEventListener('beforeunload', (event) => {
  if (props.warn || (props.job && !remembers())) event.preventDefault();
});
watch(Object.keys({ job: 0 }), setAddress);
watch(Object.keys({ title: 0 }), () => { document.title = props.title; });
