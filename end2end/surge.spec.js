// While far more than usual sign up: a browser's script solves the puzzle, and who has none is kept.
import { startServer } from "./support/server.js";
import { expect, expectAccessible, expectNoSidewaysScroll, test } from "./support/test.js";

/** A server to which two hundred programs have just signed up, each from a network of its own. */
const flooded = test.extend({
  own: async ({}, use) => {
    const own = await startServer({ TIDINGS_TRUSTED_PROXIES: "127.0.0.1", TIDINGS_MAIL_RATE: "0" });
    for (let number = 0; number < 201; number++) {
      const headers = { origin: own.url, "x-forwarded-for": `10.0.${number}.1` };
      const body = new URLSearchParams({ email: `bogus-${number}@example.net`, everything: "1" });
      const answer = await fetch(`${own.url}/subscribe`, { method: "POST", headers, body });
      if (!answer.ok) throw new Error(`subscribing answered ${answer.status}`);
    }
    await use(own);
    await own.stop();
  },
  baseURL: async ({ own }, use) => use(own.url),
});

async function ask(page, address) {
  await page.goto("/subscribe");
  await page.getByLabel("Your e-mail address").fill(address);
  await page.getByRole("button", { name: "Subscribe" }).click();
}

/** Waits until somebody was written to. */
async function mailTo(server, address) {
  await expect(async () => {
    const mails = await server.outbox();
    expect(mails.filter((mail) => mail.includes(address))).toHaveLength(1);
  }).toPass({ timeout: 30_000 });
}

flooded("a browser shows by itself that it is no program @javascript", async ({ page, own }) => {
  await ask(page, "person@example.com");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Check your inbox", { timeout: 45_000 });
  await mailTo(own, "person@example.com");
  expect(await page.title()).toContain("Check your inbox");
});

flooded("the page that a request is kept on is accessible, calculating or not @javascript", async ({ page }) => {
  // Without its script it stays as it is.
  await page.route("**/challenge.js", (route) => route.abort());
  await ask(page, "person@example.com");
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your request is kept");
    await expect(page.getByRole("button", { name: "Check now" })).toBeHidden();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
  }
  // An answer that is none: the next puzzle waits to be asked for.
  await page.unroute("**/challenge.js");
  await page.locator("#challenge").evaluate((form) => form.submit());
  await expect(page.getByText("That did not work.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Check now" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Check now" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Check your inbox", { timeout: 45_000 });
});

flooded("without JavaScript a request is kept and answered when there is room @no-javascript", async ({ page, own }) => {
  await ask(page, "patient@example.com");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your request is kept");
  await expect(page.getByRole("main")).toContainText("Without JavaScript");
  await expect(page.getByRole("main")).toContainText("patient@example.com");
  await expect(page.getByRole("button", { name: "Check now" })).toBeHidden();
  await mailTo(own, "patient@example.com");
});
