import { owner } from "./support/console.js";
import { awake, expect, test, unique } from "./support/test.js";

/** Presses Tab until the element has the focus, and sees that the focus shows wherever it passes. */
async function tabTo(page, target, key = "Tab") {
  for (let presses = 0; presses < 120; presses += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
    const shown = await page.evaluate(() => {
      const focused = document.activeElement;
      if (focused === document.body || focused === document.documentElement) return true;
      const style = getComputedStyle(focused);
      return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    });
    expect(shown, await page.evaluate(() => document.activeElement.outerHTML.slice(0, 200))).toBe(true);
  }
  throw new Error(`Tab never reaches ${target}`);
}

test("an incident is published without a mouse", async ({ page, admin, javaScriptEnabled }) => {
  const [api, name] = [unique("Gateway"), unique("Timeouts")];
  await admin.component(api);
  await page.context().clearCookies();

  await page.goto("/admin/incidents/new");
  await tabTo(page, page.getByLabel("E-mail address"));
  await page.keyboard.type(owner.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(owner.password);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Report an incident");
  if (javaScriptEnabled) await awake(page);

  // The first thing Tab reaches leads past the rail.
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to the content" });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport({ ratio: 1 });
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await expect(page.locator("main :focus")).toBeVisible();
  await tabTo(page, page.getByLabel("Title", { exact: true }));
  await page.keyboard.type(name);

  await tabTo(page, page.locator("#status-investigating"));
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("radio", { name: "Identified" })).toBeChecked();
  await tabTo(page, page.getByLabel("What do readers need to know?"));
  await page.keyboard.type("Some requests time out.");
  await tabTo(page, page.getByLabel(api));
  await page.keyboard.type("Degraded");
  await expect(page.getByLabel(api)).toHaveValue("degraded_performance");

  // Enter in a field never publishes: it reviews, and what is missing is said where reading begins.
  await page.locator("form.box").evaluate((form) => (form.noValidate = true));
  await tabTo(page, page.getByLabel("When was this true?"));
  await page.keyboard.press("Enter");
  await expect(page.locator("#errors")).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  expect(new URL(page.url()).hash).toBe("#notify");
  if (javaScriptEnabled) await awake(page);
  await page.keyboard.press("Tab");
  await expect(page.locator("#notify-yes")).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(page.locator("#notify-no")).toBeChecked();
  await tabTo(page, page.getByRole("button", { name: "Publish incident" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
  await page.goto("/");
  await expect(page.getByRole("article").filter({ hasText: name })).toContainText("Some requests time out.");
});

test("the status page can be read and followed without a mouse", async ({ page }) => {
  await page.goto("/");
  await page.keyboard.press("Tab");
  await expect(page.locator(".skip")).toBeFocused();
  await expect(page.locator(".skip")).toBeInViewport({ ratio: 1 });
  await tabTo(page, page.getByRole("banner").getByRole("link", { name: "Subscribe" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Subscribe by mail");
});
