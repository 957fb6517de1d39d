import { expect, expectAccessible, expectNoSidewaysScroll, test } from "./support/test.js";

test("the home page of a new installation says how things are", async ({ page }) => {
  const response = await page.goto("/");
  expect(response.status()).toBe(200);
  await expect(page).toHaveTitle(/./);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.getByRole("main")).toBeVisible();
});

for (const colorScheme of ["light", "dark"]) {
  test(`the home page is accessible in ${colorScheme} colours @javascript`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await page.goto("/");
    await expectAccessible(page);
  });
}

test("the home page never scrolls sideways", async ({ page }) => {
  await page.goto("/");
  await expectNoSidewaysScroll(page);
});

test("the home page brings no WebAssembly and next to no script", async ({ page }) => {
  const answers = [];
  page.on("response", (response) => answers.push(response));
  await page.goto("/", { waitUntil: "load" });

  expect(answers.filter((answer) => answer.headers()["content-type"] === "application/wasm")).toEqual([]);
  const scripts = answers.filter((answer) => answer.request().resourceType() === "script");
  const sizes = await Promise.all(scripts.map(async (script) => (await script.body()).length));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(2048);
});
