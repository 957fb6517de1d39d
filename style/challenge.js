// Solves the puzzle of the page that says that a request is kept, and sends the answer: the number that, written behind the
// challenge and a dot, gives a SHA-256 that begins with so many zero bits (app/domain/src/challenge.rs).
let form = document.getElementById("challenge");
let button = form.querySelector("button");
let said = form.querySelector("[role=status]");
let { challenge, answer } = form.elements;
let limit = 2 ** (32 - form.dataset.difficulty);
let text = new TextEncoder();

// Many at once: each waits its turn with the others anyway.
let batch = 250;
let solve = async () => {
  for (let first = 0; ; first += batch) {
    let tries = Array.from({ length: batch }, (_, at) => text.encode(challenge.value + "." + (first + at)));
    let hashes = await Promise.all(tries.map(it => crypto.subtle.digest("SHA-256", it)));
    let found = hashes.findIndex(it => new DataView(it).getUint32(0) < limit);
    if (found >= 0) return first + found;
  }
};
let begin = async () => {
  button.hidden = true;
  said.textContent = "Your browser is calculating. Please leave this page open for a few seconds.";
  answer.value = await solve();
  said.textContent = "Done. One moment.";
  form.submit();
};

// Only pages that came over TLS, or from this machine, may hash; without that the request stays kept.
if (crypto.subtle) {
  form.onsubmit = event => begin(event.preventDefault());
  if ("failed" in form.dataset) button.hidden = false;
  else begin();
}
