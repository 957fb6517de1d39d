// Looking after subscribers: finding them, adding one, a list on its way in and out, and parting.
import { readFile } from "node:fs/promises";
import { awake, expect, expectAccessible, expectNoSidewaysScroll, test, unique } from "./support/test.js";

const person = () => `${unique("person").replace(" ", "-")}@example.net`;

/** Looks at a page the way every page must pass, in light and dark. */
async function look(page) {
  if (await page.locator("leptos-island").count()) await awake(page);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
  }
  await expectNoSidewaysScroll(page);
}

test("someone is added, found, changed, unsubscribed and erased", async ({ admin, page }) => {
  const api = unique("API");
  await admin.component(api);
  const address = person();
  await page.goto("/admin/subscribers");
  await page.getByRole("link", { name: "Add a subscriber" }).click();
  await page.getByLabel("Address").fill(address);
  await page.locator("#everything").uncheck();
  await page.getByRole("checkbox", { name: api }).check();
  await page.getByLabel("Time zone").selectOption("Asia/Taipei");
  await page.getByRole("radio", { name: "They have agreed" }).check();
  await page.getByRole("button", { name: "Add" }).click();
  await expect(page.locator(".field-error")).toHaveCount(1);
  await expect(page.getByLabel("Time zone")).toHaveValue("Asia/Taipei");
  await page.getByLabel("How is that known?").fill("asked on the telephone");
  await page.getByRole("button", { name: "Add" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(address);
  await expect(page.getByRole("main")).toContainText("asked on the telephone");
  await expect(page.getByLabel("Time zone")).toHaveValue("Asia/Taipei");

  await page.getByRole("link", { name: "Subscribers" }).first().click();
  await page.getByLabel("Part of the address").fill(address.split("@")[0].toUpperCase());
  await page.getByLabel("Follows").selectOption({ label: api });
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("link", { name: address }).click();
  await page.getByRole("checkbox", { name: api }).uncheck();
  await page.locator("#everything").check();
  await page.getByLabel("Language of the mails").selectOption("fr");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status")).toHaveText("Saved.");
  await expect(page.getByRole("main")).toContainText("Français, time zone: Asia/Taipei");

  await page.getByText("Unsubscribe", { exact: true }).first().click();
  await page.getByRole("button", { name: "Unsubscribe" }).click();
  await expect(page.getByRole("status")).toContainText("is unsubscribed");
  await page.getByRole("link", { name: "Erase this person" }).click();
  await page.getByRole("button", { name: "Erase for good" }).click();
  await expect(page.getByRole("status")).toHaveText("The person was erased.");
  await page.goto(`/admin/subscribers?q=${address}`);
  await expect(page.getByText(/Nobody (was found|has subscribed yet)\./)).toBeVisible();
});

test("a list is looked through, goes in, and comes out again", async ({ admin, page }) => {
  const name = unique("Billing");
  await admin.component(name);
  const [first, second] = [person(), person()];
  await page.goto("/admin/subscribers");
  await page.getByRole("link", { name: "Import", exact: true }).click();
  await page.getByLabel("How is it known that they agree?").fill("our old status page");
  await page.getByLabel("A CSV file").setInputFiles({
    name: "people.csv",
    mimeType: "text/csv",
    buffer: Buffer.from(`email,component\n${first},${name}\n${second},Nowhere\n`),
  });
  await page.getByRole("button", { name: "See what will happen" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("What will happen", { timeout: 30_000 });
  await expect(page.getByRole("row", { name: "New 1" })).toBeVisible();
  await expect(page.getByRole("row", { name: "Line 3" })).toContainText("Nowhere");
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Imported", { timeout: 30_000 });

  await page.goto(`/admin/subscribers?q=${first}`);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export" }).click()]);
  const csv = await readFile(await download.path(), "utf8");
  expect(csv).toContain(`${first},${name},active,en`);
  expect(csv).not.toContain(second);
});

test("looking after subscribers is accessible @javascript", async ({ admin, page }) => {
  const name = unique("Search");
  await admin.component(name);
  await admin.followers(name, 60);
  const word = name.split(" ").at(-1).toLowerCase();
  await page.goto(`/admin/subscribers?q=${word}`);
  await look(page);
  await page.getByRole("link", { name: "Older" }).click();
  await expect(page.getByRole("link", { name: `reader-0@${word}.example` })).toBeVisible();
  await page.getByRole("link", { name: `reader-0@${word}.example` }).click();
  await look(page);
  await page.getByRole("link", { name: "Erase this person" }).click();
  await look(page);
  await page.goto("/admin/subscribers/new");
  await look(page);
  await page.locator("main form").evaluate((form) => (form.noValidate = true));
  await page.getByRole("button", { name: "Add" }).click();
  await look(page);
  await page.goto("/admin/subscribers/import");
  await look(page);
  await page.getByLabel("How is it known that they agree?").fill("paper");
  await page.getByLabel("Or paste the lines").fill(`new-${word}@example.net\nnobody`);
  await page.getByRole("button", { name: "See what will happen" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("What will happen", { timeout: 30_000 });
  await look(page);
  await page.getByRole("button", { name: "Throw the list away" }).click();
  await page.goto("/admin/suppressions");
  await look(page);
  await page.goto("/manage");
  await look(page);
});
