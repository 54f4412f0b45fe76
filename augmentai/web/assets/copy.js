// A copy button beside each call. Without a secure context there is no clipboard API: the text is selected and copied.
element.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  const code = button.closest('section').querySelector('code');
  try { await navigator.clipboard.writeText(code.textContent); }
  catch (error) {
    getSelection().selectAllChildren(code);
    document.execCommand('copy');
    getSelection().removeAllRanges();
  }
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = 'Copy'; }, 1500);
});
