// The server sends this without comments and needless blanks (server/build.rs): at most 2 KB, hence the short words.
let doc = document;

// Pages say when in UTC. Beside each instant this adds the reader's own time, where that differs, and gives up the room
// that the style sheet kept for it.
let localise = root =>
  root.querySelectorAll("[datetime*=T]").forEach(it => {
    let at = new Date(it.dateTime);
    let n = "numeric";
    it.dataset.local = "";
    at.getTimezoneOffset() &&
      it.insertAdjacentHTML("afterend", `<span class=local>${at.toLocaleString([],{hour:n,minute:n,...(at.getDate()==at.getUTCDate()||{day:n,month:"short"})})} your time</span>`);
  });
localise(doc);

// A page that names its version hears of the next one and takes it over. What stays is the same element as before, so that
// the focus, an open group and what the reader looks at stay where they are.
let main = doc.querySelector("[data-version]");
let key = it => it.nodeName + (it.id || it.className);
let morph = (old, fresh) => {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType > 1) return old.replaceWith(fresh);
  for (let { name, value } of fresh.attributes) name == "open" || old.setAttribute(name, value);
  let left = [...old.childNodes];
  for (let child of [...fresh.childNodes]) {
    let at = left.findIndex(it => key(it) == key(child));
    if (at < 0) old.insertBefore(child, left[0]);
    else {
      left.splice(0, at).map(it => it.remove());
      morph(left.shift(), child);
    }
  }
  left.map(it => it.remove());
};

let wanted, source, wait = 500;
let later = act => setTimeout(act, (wait = Math.min(wait * (2 + Math.random()), 6e4)));
let top = it => it.getBoundingClientRect().top;
let version = () => main.dataset.version;
let refresh = async () => {
  if (wanted == version()) return;
  let text = await fetch(location).then(it => it.ok && it.text()).catch(() => 0);
  let focus = doc.activeElement;
  // Meanwhile another answer may have come.
  if (text && wanted != version() && !focus.closest("form")) {
    let page = new DOMParser().parseFromString(text, "text/html");
    let fresh = page.querySelector("main");
    localise(fresh);
    let seen = [...main.querySelectorAll("h2,li,p")].map(it => [it, top(it)]);
    morph(main, fresh);
    let kept = seen.find(([it, at]) => at > 0 && it.isConnected);
    scrollY && kept && scrollBy(0, top(kept[0]) - kept[1]);
    focus.isConnected || main.focus({ preventScroll: 1 });
    doc.title = page.title;
    doc.querySelector(".news").textContent = `Page updated at ${new Date().toISOString().slice(11,16)} UTC`;
  }
  // The node that answered may be behind the one that told us.
  parseInt(version()) < parseInt(wanted) && later(refresh);
};
let listen = () => {
  source?.close();
  if (doc.hidden) return;
  source = new EventSource("/events");
  source.onmessage = it => refresh(wanted = it.data, wait = 500);
  source.onerror = () => later(listen, source.close());
};
main && listen(doc.onvisibilitychange = listen);
