// Downloads the ZIP once it is packed: the download button replaces the one that packed it.
async () => {
  for (let attempt = 0; attempt < 50; attempt++) {
    const download = document.querySelector('#zip');
    if (download?.checkVisibility() && !document.querySelector('#pack')?.checkVisibility()) { download.click(); return; }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
