import { expect, test, unique } from "./support/test.js";

/** Where on the screen an element stands. */
const top = (locator) => locator.evaluate((element) => Math.round(element.getBoundingClientRect().top));

test("an open page shows what is published by itself, and says so once @javascript", async ({ admin, page }) => {
  const [api, name] = [unique("API"), unique("Errors")];
  const group = await admin.group(unique("Platform"));
  const id = await admin.component(api, { group });
  await page.goto("/");
  await page.evaluate(() => (window.isSamePage = true));
  // What the reader folded stays folded.
  const folded = page.locator(`#group-${group}`);
  await folded.locator("summary").click();
  await expect(folded).not.toHaveAttribute("open");

  const incident = await admin.incident(name, { components: { [id]: "major_outage" } });
  await expect(page.getByRole("article").filter({ hasText: name })).toBeVisible({ timeout: 10_000 });
  await expect(page.getByRole("status")).toHaveText(/^Page updated at \d\d:\d\d UTC$/);
  await expect(page.locator(`#incident-${incident} .local`).first()).toHaveText(/your time$/);
  await expect(folded).not.toHaveAttribute("open");
  await expect(folded.locator("summary")).toBeFocused();

  await admin.post(`/admin/incidents/${incident}`, { status: "resolved", body: "Over.", notify: "no", restore: "1", intent: "publish" });
  await expect(page.getByRole("article").filter({ hasText: name })).toHaveCount(0, { timeout: 10_000 });
  await expect(page.getByRole("region", { name: "Past incidents" })).toContainText(name);
  expect(await page.evaluate(() => window.isSamePage)).toBe(true);
});

test("what is read neither moves nor loses the focus when an update is added above it @javascript", async ({ admin, page }) => {
  await page.setViewportSize({ width: 390, height: 500 });
  const id = await admin.incident(unique("A long story"), { body: "How it began.\n\n".repeat(30) });
  await admin.post(`/admin/incidents/${id}`, { status: "identified", body: "What it was.\n\n".repeat(30), notify: "no", intent: "publish" });
  await page.goto(`/incidents/${id}`);
  const oldest = page.locator(".update").last().locator(".permalink");
  await oldest.focus();
  await oldest.evaluate((element) => element.scrollIntoView({ block: "center" }));
  const before = await top(oldest);

  await admin.post(`/admin/incidents/${id}`, { status: "resolved", body: "How it ended.\n\n".repeat(40), notify: "no", intent: "publish" });
  await expect(page.locator(".update")).toHaveCount(3, { timeout: 10_000 });
  await expect(page.locator(".update h2").first()).toHaveText("Resolved");
  await expect(page).toHaveTitle(/A long story/);
  expect(Math.abs((await top(oldest)) - before)).toBeLessThanOrEqual(1);
  await expect(oldest).toBeFocused();
});

test("whoever focused what is gone is at the content and not at the top of the page @javascript", async ({ admin, page }) => {
  const [name, id] = [unique("Short trouble"), await admin.component(unique("Mail"))];
  const incident = await admin.incident(name, { components: { [id]: "partial_outage" } });
  await page.goto("/");
  await page.locator(`#incident-${incident} h3 a`).focus();
  await admin.post(`/admin/incidents/${incident}`, { status: "resolved", body: "Over.", notify: "no", restore: "1", intent: "publish" });
  await expect(page.locator(`#incident-${incident}`)).toHaveCount(0, { timeout: 10_000 });
  await expect(page.getByRole("main")).toBeFocused();
});

test("a page that is away comes back with what it missed @javascript", async ({ admin, context, page }) => {
  const name = unique("While nobody looked");
  await page.goto("/");
  await context.setOffline(true);
  await admin.incident(name, {});
  await context.setOffline(false);
  await expect(page.getByRole("article").filter({ hasText: name })).toBeVisible({ timeout: 30_000 });
});

test("forms are left alone @javascript", async ({ admin, page }) => {
  await page.goto("/subscribe");
  await page.getByLabel("Your e-mail address").fill("half@");
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  await admin.incident(unique("Elsewhere"), {});
  await expect(page.getByLabel("Your e-mail address")).toHaveValue("half@");
  expect(requests.filter((url) => url.endsWith("/events") || url.endsWith("/subscribe"))).toEqual([]);
});
