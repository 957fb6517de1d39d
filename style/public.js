// Pages say when in UTC. Beside each instant this adds the reader's own time, where that differs.
const clock = { hour: "2-digit", minute: "2-digit" };
const dated = { day: "numeric", month: "short", ...clock };

for (const time of document.querySelectorAll("time[datetime*='T']")) {
  const at = new Date(time.dateTime);
  time.dataset.local = ""; // gives up the room that the style sheet kept for what follows
  if (Number.isNaN(at.getTime()) || at.getTimezoneOffset() === 0) continue;
  const isSameDay = at.getDate() === at.getUTCDate();
  const local = document.createElement("span");
  local.className = "local";
  local.textContent = at.toLocaleString([], isSameDay ? clock : dated) + " your time";
  time.after(local);
}
