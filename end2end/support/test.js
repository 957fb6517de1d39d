// What every spec imports: Playwright's `test` with a running server, and a page that tells when something is wrong.
import { AxeBuilder } from "@axe-core/playwright";
import { test as base, expect } from "@playwright/test";
import { Console, signIn } from "./console.js";
import { startServer } from "./server.js";

export { expect };

export const test = base.extend({
  /** One server for all tests of a worker, so a test makes what it needs and expects company. */
  server: [
    async ({}, use) => {
      const server = await startServer();
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],

  /** The cookie of someone who is signed in to the worker's server. */
  session: [async ({ server }, use) => use(await signIn(server)), { scope: "worker" }],

  baseURL: async ({ server }, use) => use(server.url),

  /** The console of the worker's server, signed in: see support/console.js. */
  admin: async ({ page, server, session }, use) => {
    await page.context().addCookies([session]);
    await use(new Console(page, server));
  },

  /** A page that fails its test for a script error, a CSP violation, a sleeping island, a missing file or a stranger's. */
  page: async ({ page, baseURL }, use) => {
    const wrong = [];
    page.on("pageerror", (error) => wrong.push(`script error: ${error.message}`));
    page.on("console", (message) => {
      // Chromium reports answers of 400 and above here, also expected ones; those that are not are found below.
      const answered = message.text().startsWith("Failed to load resource");
      // Playwright and axe knock at every frame; the one around a captured mail opens to no script at all.
      const sandboxed = /^Blocked script execution in '[^']*\/admin\/(outbox\/[^']*\/html|drafts\/[^']*\/mail)(\?[^']*)?'/.test(message.text());
      if (message.type() === "error" && !answered && !sandboxed) wrong.push(`console: ${message.text()}`);
    });
    page.on("response", (response) => {
      const kind = response.request().resourceType();
      if (response.status() >= 400 && !["document", "fetch", "xhr"].includes(kind)) {
        wrong.push(`${kind} ${response.url()} answered ${response.status()}`);
      }
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(baseURL) && !request.url().startsWith("data:")) wrong.push(`asked a stranger: ${request.url()}`);
    });
    await use(page);
    expect(wrong).toEqual([]);
  },
});

/** For tests that need a server nobody has touched: `test` with `server` replaced by one of their own. */
export const alone = test.extend({
  own: async ({}, use) => {
    const own = await startServer();
    await use(own);
    await own.stop();
  },
  baseURL: async ({ own }, use) => use(own.url),
});

/** A name that no other test uses. */
export function unique(words) {
  unique.count = (unique.count ?? 0) + 1;
  return `${words} ${process.pid.toString(36)}${unique.count}`;
}

/** Waits until every island of the page answers clicks. */
export async function awake(page) {
  await expect(page.locator("html[data-awake]")).toBeAttached();
}

/** Fails for anything WCAG 2.2 AA or good practice objects to. axe is itself JavaScript: tag the test @javascript. */
export async function expectAccessible(page) {
  // Without frames of its own to judge, axe needs no second page, and the frame of a captured mail admits no script.
  const { violations } = await new AxeBuilder({ page }).exclude("iframe[sandbox='']").setLegacyMode().analyze();
  expect(violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((node) => node.html) }))).toEqual([]);
}

/** Fails if a reader would have to scroll sideways, at any width from the narrowest phone up. */
export async function expectNoSidewaysScroll(page) {
  for (const width of [320, 390, 768, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    const content = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(content, `width of the content at ${width} px`).toBeLessThanOrEqual(width);
  }
}
