// Full-page screenshots on a phone and a desk, light and dark:
//   node screenshots.mjs BASE_URL FOLDER PATH… [--cookie 'name=value']
import { mkdir } from "node:fs/promises";
import { parseArgs } from "node:util";
import { chromium as browserType } from "@playwright/test";
import { chromium } from "./support/chromium.js";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { cookie: { type: "string" } } });
const [base, folder, ...given] = positionals;
if (!folder) {
  console.error("usage: node screenshots.mjs BASE_URL FOLDER PATH… [--cookie 'name=value']");
  process.exit(2);
}
const paths = given.length > 0 ? given : ["/"];

await mkdir(folder, { recursive: true });
const browser = await browserType.launch(chromium);
for (const [device, viewport] of [["phone", { width: 390, height: 844 }], ["desk", { width: 1280, height: 900 }]]) {
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({ baseURL: base, viewport, colorScheme });
    if (values.cookie) {
      const [name, ...value] = values.cookie.split("=");
      // A secure cookie cannot be set for http, yet Chromium sends it to this machine.
      const secure = name.startsWith("__Host-");
      await context.addCookies([{ name, value: value.join("="), url: secure ? base.replace(/^http:/, "https:") : base, secure }]);
    }
    const page = await context.newPage();
    for (const path of paths) {
      await page.goto(path);
      // Islands are allowed to wake before the picture is taken.
      if (await page.locator("leptos-island").count()) await page.locator("html[data-awake]").waitFor({ state: "attached" });
      const name = path.replaceAll(/[^a-z0-9]+/gi, "-").replaceAll(/^-|-$/g, "") || "home";
      const file = `${folder}/${name}-${device}-${colorScheme}.png`;
      await page.screenshot({ path: file, fullPage: true });
      console.log(file);
    }
    await context.close();
  }
}
await browser.close();
