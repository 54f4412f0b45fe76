// Saves the ZIP that was packed at a click: the button that saves takes the place of the one that packed.
async () => {
  for (let tries = 0; tries < 50; tries++) {
    const saving = document.querySelector('#zip');
    if (saving?.checkVisibility() && !document.querySelector('#pack')?.checkVisibility()) { saving.click(); return; }
    await new Promise((ok) => setTimeout(ok, 100));
  }
}
