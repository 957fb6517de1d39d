// Draws the picture that link previews show beside a page's title, style/public/share.png, from our own icon and colours:
//   node share.mjs
import { readFile } from "node:fs/promises";
import { chromium as browserType } from "@playwright/test";
import { chromium } from "./support/chromium.js";

const style = new URL("../style/", import.meta.url);
const [icon, tokens] = await Promise.all(["public/favicon.svg", "tokens.css"].map((name) => readFile(new URL(name, style), "utf8")));
// As app/src/components/status_mark.rs has them.
const shapes = {
  operational: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Z",
  "degraded-performance": "M8 1.5 15.5 14.5H.5Z",
  "partial-outage": "M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13Zm0 2v9a4.5 4.5 0 0 0 0-9Z",
  "major-outage": "M2 2h12v12H2Z",
  "under-maintenance": "M8 .8 15.2 8 8 15.2.8 8Z",
};
const marks = Object.entries(shapes).map(([state, shape]) =>
  `<svg viewBox="0 0 16 16" style="color: var(--${state})"><path fill="currentColor" fill-rule="evenodd" d="${shape}"/></svg>`);
const html = `<!doctype html><style>${tokens}
body { margin: 0; width: 1200px; height: 630px; background: var(--page); display: grid; place-content: center; justify-items: center; gap: 56px }
.icon svg { width: 208px; height: 208px; display: block }
.line { width: 520px; height: 2px; background: var(--line) }
.marks { display: flex; gap: 48px }
.marks svg { width: 44px; height: 44px }
</style><div class="icon">${icon}</div><div class="line"></div><div class="marks">${marks.join("")}</div>`;

const browser = await browserType.launch(chromium);
const page = await browser.newPage({ viewport: { width: 1200, height: 630 }, colorScheme: "light" });
await page.setContent(html);
await page.screenshot({ path: new URL("public/share.png", style).pathname });
await browser.close();
