/** To the login page and back to where one was; once, however many sockets of the page are closed at the same time. */
let going = false;

export function logIn() {
  if (going) return;
  going = true;
  location.assign(`/accounts/login/?next=${encodeURIComponent(location.pathname + location.search)}`);
}

window.addEventListener("pageshow", () => {
  going = false;
});
