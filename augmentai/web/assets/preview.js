// The images of the preview: a click, or an arrow key on one of them, chooses it.
const block = element.closest('.block');  // `element` itself is replaced when other images are there
block.addEventListener('click', (event) => {
  const button = event.target.closest('[data-picture]');
  if (!button) return;
  for (const one of block.querySelectorAll('[data-picture]')) one.setAttribute('aria-pressed', one === button);
  trigger('select', {picture: Number(button.dataset.picture)});
});
block.addEventListener('keydown', (event) => {
  const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
  const all = [...block.querySelectorAll('[data-picture]')];
  const next = step && all[all.indexOf(event.target) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.click();
});
