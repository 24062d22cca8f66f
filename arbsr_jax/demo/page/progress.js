// How far a run is, as a bar and in words.

const element = document.getElementById("bar");

/** Show a share from 0 to 1; null: nothing runs. */
export function bar(share) {
  element.hidden = share === null;
  element.value = share ?? 0;
}

/** The remaining time in words, from the milliseconds so far and the share that is done. */
export function remaining(elapsed, share) {
  if (share < 0.02 || elapsed < 500) return "enlarging";
  const seconds = elapsed / share * (1 - share) / 1000;
  return seconds < 1 ? "almost done" : `about ${seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} minutes`} left`;
}
