// The list of a visitor's jobs: a click opens one here, without losing the files that were chosen; a new tab opens it too.
const block = element.closest('.block');  // `element` itself is replaced when the list is
let isOpen = null;  // as the visitor left it

function complete() {
  const list = block.querySelector('details');
  if (list && isOpen !== null && list.open !== isOpen) list.open = isOpen;
  for (const link of block.querySelectorAll('[data-file]:not([href])')) {
    const path = link.dataset.file.split('/').map(encodeURIComponent).join('/');
    link.href = new URL('.', location.href).href + 'gradio_api/file=' + path;
  }
  const short = {day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit'};
  for (const time of block.querySelectorAll('time:not([title])')) {
    time.title = time.textContent;
    time.textContent = new Date(time.dateTime).toLocaleString([], short);
  }
}
block.addEventListener('click', (event) => {
  if (event.target.closest('summary')) isOpen = !block.querySelector('details').open;
  const link = event.target.closest('[data-job]');
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  trigger('select', {job: link.dataset.job});
});
// Not `watch`, which may run before the list is drawn. What is complete already is left as it is, or this would not end.
new MutationObserver(complete).observe(block, {childList: true, subtree: true});
complete();
