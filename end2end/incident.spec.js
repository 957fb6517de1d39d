import { awake, expect, test, unique } from "./support/test.js";

/** Fills in what has no answer yet and publishes. */
async function publish(page, { status, body, notify = "no", ...rest }) {
  await page.getByRole("radio", { name: status }).check();
  await page.getByLabel("What do readers need to know?").fill(body);
  await page.locator(`#notify-${notify}`).check();
  if (rest.displayAt) await page.getByLabel("When was this true?").fill(rest.displayAt);
  if (rest.restore !== undefined) await page.getByLabel("Put the affected components back to operational").setChecked(rest.restore);
  await page.getByRole("button", { name: /^Publish/ }).click();
}

test("an incident is reported, followed to its end, and reopened, and readers see each step at once", async ({ admin, page, javaScriptEnabled }) => {
  const [api, name] = [unique("API"), unique("Elevated errors")];
  await admin.component(api);
  await admin.followers(api, 25);

  await page.goto("/admin");
  await page.getByRole("link", { name: "Report an incident" }).click();
  if (javaScriptEnabled) await awake(page);
  await page.getByLabel("Title", { exact: true }).fill(name);
  await page.getByRole("radio", { name: "Identified" }).check();
  await page.getByLabel("What do readers need to know?").fill("Requests **fail**.\n\n| Region | Errors |\n|---|---|\n| EU | 4 % |");
  await page.getByLabel(api).selectOption("major_outage");

  // Nothing is chosen for the author: whether to mail people must be said. The browser's own check is put aside.
  await page.locator("form.box").evaluate((form) => (form.noValidate = true));
  await page.getByRole("button", { name: "Publish incident" }).click();
  await expect(page).toHaveTitle(/^Error/);
  await expect(page.locator("#errors")).toContainText("Who is mailed? Choose whether to mail subscribers.");
  await expect(page.locator("#errors")).toBeFocused();
  await expect(page.getByLabel("Title", { exact: true })).toHaveValue(name);
  await expect(page.getByRole("radio", { name: "Identified" })).toBeChecked();
  await expect(page.getByLabel("What do readers need to know?")).toHaveValue(/^Requests \*\*fail\*\*\.\n\n\| Region/);
  await expect(page.getByLabel(api)).toHaveValue("major_outage");

  // A last look, then out it goes.
  await page.locator("#notify-yes").check();
  await page.getByRole("button", { name: "Review" }).click();
  const review = page.locator("#review");
  await expect(review).toBeFocused();
  await expect(review).toContainText("This opens the incident.");
  await expect(review).toContainText("Mails 25 people");
  await expect(review.locator("table")).toContainText("4 %");
  await page.getByRole("button", { name: "Publish incident" }).click();

  // The mails: watched without reloading where there are scripts, with reloading where there are none.
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mails of this update");
  const counts = page.locator(".delivery .figures");
  if (javaScriptEnabled) {
    await page.evaluate(() => (window.notReloaded = true));
    await expect(page.getByRole("button", { name: "Pause" })).toBeVisible();
    await expect(counts).toHaveText("25 of 25 sent · 0 waiting · 0 failed", { timeout: 20_000 });
    expect(await page.evaluate(() => window.notReloaded)).toBe(true);
    await expect(page.getByRole("button", { name: "Pause" })).toBeHidden();
  } else {
    await expect(async () => {
      await page.reload();
      await expect(counts).toHaveText("25 of 25 sent · 0 waiting · 0 failed", { timeout: 100 });
    }).toPass({ timeout: 20_000 });
  }

  await page.goto("/");
  const card = page.getByRole("article").filter({ hasText: name });
  await expect(card).toContainText("Identified");
  await expect(card.locator("table")).toContainText("4 %");
  await expect(page.getByRole("main")).toContainText("Major outage");
  await card.getByRole("link", { name }).click();
  const incident = new URL(page.url()).pathname;
  await expect(page.locator(".update")).toHaveCount(1);
  const back = `/admin${incident}`;

  await page.goto(back);
  await publish(page, { status: "Monitoring", body: "A fix is rolling out." });
  await expect(page.locator(".flash")).toContainText("Nobody is mailed");
  await page.goto(incident);
  await expect(page.locator(".update h2").first()).toHaveText("Monitoring");

  await page.goto(back);
  await publish(page, { status: "Resolved", body: "All is well again.", restore: true });
  await page.goto(incident);
  await expect(page.locator(".update h2").first()).toHaveText("Resolved");
  await expect(page.locator(".update").first()).toContainText("Operational");
  await expect(page.getByRole("main")).toContainText(/lasted/);
  await page.goto("/");
  await expect(page.getByRole("article").filter({ hasText: name })).toHaveCount(0);
  await expect(page.getByRole("region", { name: "Past incidents" })).toContainText(name);

  await page.goto(back);
  await page.getByLabel(api).selectOption("degraded_performance");
  await publish(page, { status: "Investigating", body: "It is back." });
  await page.goto(incident);
  await expect(page.locator(".update h2").first()).toHaveText("Reopened: investigating");

  // Something that was true earlier takes its place in between and changes nothing about now.
  await page.goto(back);
  await publish(page, { status: "Investigating", body: "The first alarm.", displayAt: "2024-02-05 04:12 America/Chicago" });
  await page.goto(incident);
  await expect(page.locator(".update")).toHaveCount(5);
  await expect(page.locator(".update").last()).toContainText("The first alarm.");
  await expect(page.locator(".update").last().locator("time").first()).toHaveAttribute("datetime", /^2024-02-05T10:12:00/);
  await expect(page.locator(".update").last()).toContainText("10:12 UTC");
  // The reader's own time stands beside it where a script can know it: half past in Kolkata.
  await expect(page.locator(".update").last().locator(".local")).toHaveCount(javaScriptEnabled ? 1 : 0);
  if (javaScriptEnabled) await expect(page.locator(".update").last()).toContainText("15:42 your time");
  await expect(page.locator(".update h2").first()).toHaveText("Reopened: investigating");
});

test("a form sent twice publishes once", async ({ admin, page }) => {
  const [api, name] = [unique("Queue"), unique("Jobs are late")];
  await admin.component(api);
  await page.goto("/admin/incidents/new");
  await page.getByLabel("Title", { exact: true }).fill(name);
  await page.getByRole("radio", { name: "Investigating" }).check();
  await page.getByLabel("What do readers need to know?").fill("Jobs start late.");
  await page.locator("#notify-no").check();
  const sent = page.waitForRequest((request) => request.method() === "POST");
  const publish = page.getByRole("button", { name: "Publish incident" });
  await publish.dblclick({ noWaitAfter: true }).catch(() => {});
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await admin.post("/admin/incidents/new", Object.fromEntries(new URLSearchParams((await sent).postData())));

  await page.goto("/admin/incidents");
  await expect(page.getByRole("link", { name, exact: true })).toHaveCount(1);
  await page.goto("/");
  await expect(page.getByRole("article").filter({ hasText: name })).toHaveCount(1);
});
