/**
 * A socket was refused: the page must not stay and show what its person may not see any more. It is asked for again, and
 * the server's answer says why. Once only: where the page still opens, it says so itself (`stay`).
 */
const LEFT = "left";
let going = false;

/** @param {() => void} stay */
export function leave(stay) {
  const here = location.pathname + location.search;
  if (going) return;
  if (sessionStorage.getItem(LEFT) === here) {
    stay();
    return;
  }
  going = true;
  sessionStorage.setItem(LEFT, here);
  // Not reload(): the answer to a form would ask whether to send it again.
  location.replace(here);
}

/** The page may stay, or is another one: it may be left again. */
export function stays() {
  sessionStorage.removeItem(LEFT);
}
