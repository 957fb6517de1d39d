// Takes texts from files as postmortems into a running server and pictures how they read:
//   node postmortems.mjs BASE_URL FOLDER SESSION FILE…
// SESSION is the session's cookie, `name=value`. The server captures mails and has a subscriber. For each file: the page
// on a phone and a desk, light and dark, and on paper; the mail's HTML as a browser draws it.
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { chromium as browserType } from "@playwright/test";
import { chromium } from "./support/chromium.js";

const [base, folder, session, ...files] = process.argv.slice(2);
if (files.length === 0) {
  console.error("usage: node postmortems.mjs BASE_URL FOLDER NAME=VALUE FILE…");
  process.exit(2);
}
await mkdir(folder, { recursive: true });
const browser = await browserType.launch(chromium);
const [cookie, ...value] = session.split("=");
const url = cookie.startsWith("__Host-") ? base.replace(/^http:/, "https:") : base;
const cookies = [{ name: cookie, value: value.join("="), url, secure: cookie.startsWith("__Host-") }];
const context = await browser.newContext({ baseURL: base });
await context.addCookies(cookies);
const headers = { origin: base };

/** Posts a form and gives where it leads. */
async function post(address, form) {
  const answer = await context.request.post(address, { form, headers, maxRedirects: 0 });
  if (answer.status() !== 303) throw new Error(`${address} answered ${answer.status()}: ${await answer.text()}`);
  return answer.headers().location;
}

/** Where the HTML of the mail is, once it was captured. */
async function mail(name) {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    const outbox = await (await context.request.get("/admin/outbox")).text();
    const [, found] = outbox.match(new RegExp(`href="(/admin/outbox/[^"]+)"[^>]*>[^<]*${name}`)) ?? [];
    if (found) return `${found}/html`;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`no mail about ${name} was captured: is there a subscriber?`);
}

for (const file of files) {
  const body = await readFile(file, "utf8");
  const name = path.basename(file).replace(/\.\w+$/, "");
  const update = { body: "Something is wrong.", impact: "", display_at: "2024-02-05 10:12 UTC", notify: "no", intent: "publish" };
  const incident = await post("/admin/incidents/new", { name, status: "investigating", ...update });
  await post(incident, { ...update, status: "resolved", display_at: "2024-02-06 20:04 UTC" });
  const times = { started_at: "2024-02-05 06:30 UTC", detected_at: "2024-02-05 10:12 UTC", mitigated_at: "2024-02-05 15:44 UTC", resolved_at: "2024-02-06 20:04 UTC" };
  const to = await post(`${incident}/postmortem`, { version: "0", author: "The authors", body, ...times, notify: "yes", intent: "publish" });
  const address = incident.replace("/admin/incidents/", "/postmortems/");
  for (const [device, viewport] of [["phone", { width: 360, height: 780 }], ["narrow", { width: 320, height: 700 }], ["desk", { width: 1280, height: 900 }]]) {
    for (const colorScheme of ["light", "dark"]) {
      const reading = await browser.newContext({ baseURL: base, viewport, colorScheme, timezoneId: "Asia/Kolkata" });
      const page = await reading.newPage();
      await page.goto(address);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width > viewport.width) console.error(`${name} is ${width} px wide on a ${device}`);
      await page.screenshot({ path: `${folder}/${name}-${device}-${colorScheme}.png`, fullPage: true });
      if (device === "desk" && colorScheme === "light") await page.pdf({ path: `${folder}/${name}.pdf`, format: "A4" });
      await reading.close();
    }
  }
  const letter = await mail(name);
  const reading = await context.newPage();
  for (const [device, width] of [["phone", 360], ["desk", 800]]) {
    await reading.setViewportSize({ width, height: 900 });
    await reading.goto(letter);
    await reading.screenshot({ path: `${folder}/${name}-mail-${device}.png`, fullPage: true });
  }
  await reading.close();
  console.log(name, address, to);
}
await browser.close();
