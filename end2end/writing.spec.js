// What helps while writing, and how quickly an update gets out.
import { Console, owner } from "./support/console.js";
import { awake, expect, expectAccessible, expectNoSidewaysScroll, test, unique } from "./support/test.js";

/** Presses Tab until the element has the focus. */
async function tabTo(page, target) {
  for (let presses = 0; presses < 150; presses += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab never reaches ${target}`);
}

test("from the dashboard to a published update it is two steps, on a phone and without a mouse", async ({ admin, page, javaScriptEnabled }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  const name = unique("Slow checkout");
  const id = await admin.incident(name);
  await page.goto("/admin");
  const began = Date.now();

  // One: the link beside the incident.
  await tabTo(page, page.getByRole("link", { name: `Post update on ${name}` }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
  if (javaScriptEnabled) await awake(page);
  // Two: what is to be said, and out with it.
  await tabTo(page, page.getByRole("radio", { checked: true, name: "Investigating" }));
  await page.keyboard.press("ArrowRight");
  await tabTo(page, page.getByLabel("What do readers need to know?"));
  await page.keyboard.type("A deploy is rolled back.");
  await tabTo(page, page.locator("#notify-yes"));
  await page.keyboard.press("ArrowDown");
  await tabTo(page, page.getByRole("button", { name: "Publish update" }));
  await page.keyboard.press("Enter");
  await expect(page.locator(".flash")).toContainText("The update is published");
  expect(Date.now() - began, "milliseconds from the dashboard to the published update").toBeLessThan(15_000);

  await page.goto(`/incidents/${id}`);
  await expect(page.locator(".update h2").first()).toHaveText("Identified");
  await expect(page.locator(".update").first()).toContainText("A deploy is rolled back.");
});

test("what was typed survives the browser @javascript", async ({ admin, page, browser, session, baseURL }) => {
  const id = await admin.incident(unique("Lost packets"));
  const words = "We see loss between two data centres and are";
  // A browser of its own, so that it can be killed.
  const doomed = await browser.newContext({ baseURL });
  await doomed.addCookies([session]);
  const typing = await doomed.newPage();
  await typing.goto(`/admin/incidents/${id}`);
  await awake(typing);
  await typing.getByLabel("What do readers need to know?").fill(words);
  await typing.locator("#status-identified").check();
  await expect(typing.locator(".draft-keeper")).toContainText(/Draft kept \d\d:\d\d UTC/);
  await doomed.close();

  await page.goto(`/admin/incidents/${id}`);
  await awake(page);
  await expect(page.getByText("Draft from")).toBeVisible();
  await expect(page.getByLabel("What do readers need to know?")).toHaveValue(words);
  await expect(page.locator("#status-identified")).toBeChecked();
  await expectAccessible(page);

  await page.locator("#notify-no").check();
  await page.getByRole("button", { name: "Publish update" }).click();
  await expect(page.locator(".flash")).toContainText("published");
  await page.goto(`/admin/incidents/${id}`);
  await expect(page.getByText("Draft from")).toHaveCount(0);
  await expect(page.getByLabel("What do readers need to know?")).toHaveValue("");
});

test("without a script a draft is kept by hand and thrown away again @no-javascript", async ({ admin, page }) => {
  const id = await admin.incident(unique("Late jobs"));
  await page.goto(`/admin/incidents/${id}`);
  await page.getByLabel("What do readers need to know?").fill("Half a");
  await page.getByRole("button", { name: "Save draft" }).click();
  await expect(page.locator(".flash")).toContainText("Only you see it");
  await expect(page.getByText("Draft from")).toBeVisible();
  await expect(page.getByLabel("What do readers need to know?")).toHaveValue("Half a");
  await page.getByRole("button", { name: "Discard" }).click();
  await expect(page.getByLabel("What do readers need to know?")).toHaveValue("");
});

test("two who write at once see each other and lose nothing @javascript", async ({ admin, page, server, browser, baseURL }) => {
  const id = await admin.incident(unique("Split brain"));
  await page.goto(`/admin/incidents/${id}`);
  await awake(page);
  const mine = "The first node is fenced.";
  await page.getByLabel("What do readers need to know?").fill(mine);
  await page.locator("#notify-no").check();

  const email = `maria-${unique("m").replaceAll(" ", "-")}@example.com`;
  await server.owner(email, owner.password);
  const context = await browser.newContext({ baseURL, extraHTTPHeaders: { origin: server.url } });
  const maria = await context.newPage();
  const signedIn = await maria.request.post("/admin/sign-in", { form: { email, password: owner.password }, maxRedirects: 0 });
  expect(signedIn.status()).toBe(303);
  await new Console(maria, server).post(`/admin/incidents/${id}`, { status: "identified", body: "A switch failed.", notify: "no", intent: "publish" });
  await context.close();

  // Said without reloading, while the words are still being chosen.
  await expect(page.getByRole("alert").filter({ hasText: `${email} posted Identified` })).toBeVisible({ timeout: 30_000 });
  await page.getByRole("button", { name: "Publish update" }).click();
  await expect(page.locator("#errors")).toContainText("Identified");
  await expect(page.getByLabel("What do readers need to know?")).toHaveValue(mine);
  await expect(page.locator("#said ~ .timeline")).toContainText("A switch failed.");
  if (await page.locator("leptos-island").count()) await awake(page);
  await page.getByRole("button", { name: "Publish update" }).click();
  await expect(page.locator(".flash")).toContainText("published");
  await page.goto(`/incidents/${id}`);
  await expect(page.locator(".update")).toHaveCount(3);
});

test("a template is written once and used in a hurry", async ({ admin, page, javaScriptEnabled }) => {
  const name = unique("Database down");
  await page.goto("/admin/templates/new");
  if (javaScriptEnabled) await awake(page);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Title", { exact: true }).fill("The database does not answer");
  await page.getByLabel("Text", { exact: true }).fill("We are failing over.");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("link", { name, exact: true })).toBeVisible();
  if (javaScriptEnabled) {
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
  }

  await page.goto("/admin/incidents/new");
  if (javaScriptEnabled) await awake(page);
  await page.getByLabel("What do readers need to know?").fill("Mine.");
  await page.getByLabel("Template").selectOption(name);
  await page.getByRole("button", { name: "Use it" }).click();
  await expect(page.getByText("would replace the words you typed")).toBeVisible();
  await expect(page.getByLabel("What do readers need to know?")).toHaveValue("Mine.");
  await page.getByRole("button", { name: "Replace them" }).click();
  await expect(page.getByLabel("What do readers need to know?")).toHaveValue("We are failing over.");
  await expect(page.getByLabel("Title", { exact: true })).toHaveValue("The database does not answer");
});

test("the pages of editing, removing and mails are accessible @javascript", async ({ admin, page }) => {
  const api = unique("API");
  const component = await admin.component(api);
  await admin.followers(api, 3);
  const id = await admin.incident(unique("Odd answers"), { components: { [component]: "major_outage" }, notify: "yes", next_update: "15" });
  await page.goto(`/admin/incidents/${id}`);
  const edit = await page.getByRole("link", { name: /^Edit/ }).getAttribute("href");
  const broadcast = await page.locator(".broadcasts .title a").getAttribute("href");
  const removals = [`${edit}/remove`, `/admin/incidents/${id}/remove`, `/admin/incidents/${id}/details`];
  const mails = ["/admin/broadcasts", `${broadcast}/recipients`, "/admin/deliveries?address=nobody@example.com", "/admin/templates", "/admin"];
  for (const address of [`/admin/incidents/${id}`, edit, ...removals, ...mails]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.goto(address);
      if (await page.locator("leptos-island").count()) await awake(page);
      await expectAccessible(page);
    }
    await expectNoSidewaysScroll(page);
  }
  // The look before publishing.
  await page.goto("/admin/incidents/new");
  await awake(page);
  await page.getByLabel("Title", { exact: true }).fill("Reviewed");
  await page.getByLabel("What do readers need to know?").fill("Requests **fail**.");
  await page.locator("#notify-yes").check();
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByText("The mail as it will look").click();
  await expect(page.frameLocator(".mail-preview iframe").locator("strong").first()).toBeVisible();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
});
