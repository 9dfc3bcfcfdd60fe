/** The whole screen, or the window again. */
export function toggleFullscreen(): void {
  // A browser may refuse; then nothing happens, which says it all.
  const done = document.fullscreenElement
    ? document.exitFullscreen()
    : document.documentElement.requestFullscreen();
  done.catch(() => {});
}
