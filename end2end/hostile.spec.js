import { awake, expect, test, unique } from "./support/test.js";

const hostile = (words) =>
  `${words} <script>window.hacked=1</script><img src=x onerror=window.hacked=1>"'><svg onload=window.hacked=1>[x](javascript:window.hacked=1)</textarea></title>`;

test("nothing typed into any field runs anywhere", async ({ admin, page, session, javaScriptEnabled }) => {
  const untouched = async () => {
    for (const frame of page.frames()) expect(await frame.evaluate(() => window.hacked)).toBeUndefined();
    await expect(page.locator("img, svg[onload], [href^='javascript:' i]")).toHaveCount(0);
  };
  await admin.post("/admin/settings", { name: hostile("Page") });
  const [groupName, componentName, title] = [hostile(unique("Group")), hostile(unique("Component")), hostile(unique("Incident"))];
  await admin.post("/admin/groups/new", { name: groupName, position: "1" });
  await page.goto("/admin/components");
  const group = (await page.getByRole("link", { name: `Edit ${groupName}` }).getAttribute("href")).split("/").at(-1);
  await admin.post("/admin/components/new", { name: componentName, description: hostile("About"), status: "operational", group, position: "1" });
  await page.goto("/admin/components");
  await untouched();
  const component = (await page.getByRole("link", { name: `Edit ${componentName}` }).getAttribute("href")).split("/").at(-1);
  for (const place of [`/admin/components/${component}`, `/admin/groups/${group}`, "/admin/settings"]) {
    await page.goto(place);
    await untouched();
  }
  await expect(page.getByLabel("Name of the page")).toHaveValue(hostile("Page"));

  // The form, its preview, its review.
  await page.goto("/admin/incidents/new");
  if (javaScriptEnabled) await awake(page);
  await page.getByLabel("Title", { exact: true }).fill(title);
  await page.getByRole("radio", { name: "Investigating" }).check();
  await page.getByLabel("What do readers need to know?").fill(hostile("Body"));
  await page.locator(`[name="component.${component}"]`).selectOption("major_outage");
  await untouched();
  await page.getByLabel("When was this true?").fill(hostile("now"));
  await page.locator("#notify-yes").check();
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page).toHaveTitle(/^Error/);
  await untouched();
  await expect(page.getByLabel("What do readers need to know?")).toHaveValue(hostile("Body"));
  await expect(page.getByLabel("When was this true?")).toHaveValue(hostile("now"));
  await page.getByLabel("When was this true?").fill("");
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page.locator("#review .prose")).toContainText("<script>window.hacked=1</script>");
  await untouched();

  // Someone is told, so that a mail holds it too.
  await admin.followers(component, 1);
  await page.getByRole("button", { name: "Publish incident" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mails of this update");
  await untouched();
  for (const place of ["/admin", "/admin/incidents", "/", "/subscribe"]) {
    await page.goto(place);
    await untouched();
  }
  await page.goto("/");
  await page.getByRole("article").getByRole("link", { name: title }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
  await untouched();

  await page.goto("/admin/outbox");
  await expect(async () => {
    await page.reload();
    await expect(page.getByText(`reader-0@${component}`).first()).toBeVisible({ timeout: 100 });
  }).toPass({ timeout: 15_000 });
  await untouched();
  await page.getByRole("listitem").filter({ hasText: `reader-0@${component}` }).getByRole("link").first().click();
  await expect(page.frameLocator("iframe").locator("body")).toContainText("<script>");
  await untouched();

  // Strangers' fields.
  await page.goto("/subscribe");
  await page.locator("main form").evaluate((form) => (form.noValidate = true));
  await page.getByLabel("Your e-mail address").fill(hostile("a@b"));
  await page.getByRole("button", { name: "Subscribe" }).click();
  await expect(page.locator(".field-error")).toBeVisible();
  await untouched();
  for (const place of [`/confirm/${encodeURIComponent(hostile("x"))}`, `/subscribe?incident=${encodeURIComponent(hostile("x"))}`, `/${encodeURIComponent(hostile("x"))}`]) {
    await page.goto(place);
    await untouched();
  }
  await page.context().clearCookies();
  await page.goto(`/admin/sign-in?next=${encodeURIComponent("javascript:window.hacked=1//" + hostile(""))}`);
  await page.locator("main form").evaluate((form) => (form.noValidate = true));
  await page.getByLabel("E-mail address").fill(hostile("a@b"));
  await page.getByLabel("Password").fill(hostile("p"));
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.getByLabel("E-mail address")).toHaveValue(hostile("a@b"));
  await untouched();
  await page.context().addCookies([session]);
  await admin.post("/admin/settings", { name: "Status" });
});

test("NUL, line breaks and a hundred kilobytes neither break nor lose anything", async ({ admin, page }) => {
  const title = unique("Two\r\nBcc: lines\0here");
  const body = `Begin\r\n\0${"Long lines of text. ".repeat(4_990)}\r\n\r\nEnd`;
  const id = await admin.incident(title, { body });
  await page.goto(`/incidents/${id}`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Bcc: lines");
  await expect(page.locator(".update .prose")).toContainText("End");
  expect((await page.locator(".update .prose").innerText()).length).toBeGreaterThan(99_000);
});
