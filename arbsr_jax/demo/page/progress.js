// How far a run is, as a bar and in words; and how long one will take, by those before it on this device.

const element = document.getElementById("bar");
const KEY = "arbsr-speed";  // seconds per million pixels, of the result and of the picture, by network

/** Show a share from 0 to 1; null: nothing runs. */
export function bar(share) {
  element.hidden = share === null;
  element.value = share ?? 0;
}

const inWords = seconds => (seconds < 90 ? `${Math.max(1, Math.ceil(seconds))} s` : `${Math.ceil(seconds / 60)} minutes`);

/** The remaining time in words, from the milliseconds so far and the share that is done. */
export function remaining(elapsed, share) {
  if (share < 0.02 || elapsed < 500) return "enlarging";
  const seconds = elapsed / share * (1 - share) / 1000;
  return seconds < 1 ? "almost done" : `about ${inWords(seconds)} left`;
}

// An LR pixel costs as much as about so many HR pixels.
const work = (picture, goal) => (picture.width * picture.height + 0.1 * goal.width * goal.height) / 1e6;

function speeds() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {  // storage may be forbidden, or hold something else
    return {};
  }
}

/** Note how long a picture took, in seconds. */
export function learn(network, picture, goal, seconds) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...speeds(), [network]: seconds / work(picture, goal) }));
  } catch { /* the next estimate is as good as this one was */ }
}

/** How long pictures will take in words, if the network has run on this device; else nothing. */
export function estimate(network, pairs) {
  const speed = speeds()[network];
  return speed ? `, about ${inWords(speed * pairs.reduce((sum, pair) => sum + work(...pair), 0))}` : "";
}
