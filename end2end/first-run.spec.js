import { owner } from "./support/console.js";
import { alone as test, awake, expect } from "./support/test.js";

test("someone with a new installation signs in, adds the first component and names the page", async ({ page, own }) => {
  await own.owner(owner.email, owner.password);
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nothing is listed here yet");

  // Whoever is not signed in is asked to, and comes out where they wanted to go.
  await page.goto("/admin/settings");
  await page.getByLabel("E-mail address").fill(owner.email);
  await page.getByLabel("Password").fill("not this one, certainly");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toHaveText("This address and password do not go together.");
  await expect(page.getByLabel("E-mail address")).toHaveValue(owner.email);
  await page.getByLabel("Password").fill(owner.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Settings");

  await page.getByLabel("Name of the page").fill("Acme Status");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.locator(".flash")).toBeVisible();

  await page.getByRole("link", { name: "Dashboard" }).click();
  await page.getByRole("link", { name: "Add your first component" }).click();
  await page.getByLabel("Name").fill("API");
  await page.getByLabel("Description").fill("Everything under api.example.com");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("API was saved.")).toBeVisible();

  await page.getByRole("link", { name: "Add a group" }).click();
  await page.getByLabel("Name").fill("Platform");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("link", { name: "Edit API" }).click();
  await page.getByLabel("Group").selectOption({ label: "Platform" });
  await page.getByRole("button", { name: "Save" }).click();

  await page.goto("/");
  await expect(page).toHaveTitle(/Acme Status/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("All Systems Operational", { ignoreCase: true });
  await expect(page.getByRole("heading", { name: "Platform" })).toBeVisible();
  await expect(page.getByRole("main")).toContainText("Everything under api.example.com");
});

test("an owner without a password is let in once by the link on the terminal", async ({ page, own }) => {
  const said = await own.run(["owner", "create", "--email", owner.email]);
  const link = new URL(said.match(/http\S+/)[0]).pathname;
  await page.goto(link);
  await page.getByLabel("Password", { exact: true }).fill(owner.password);
  await page.getByLabel("Once more").fill("something else, sadly");
  await page.getByRole("button", { name: "Set password and sign in" }).click();
  await expect(page.getByRole("alert")).toContainText(/differ/);
  await page.getByLabel("Password", { exact: true }).fill(owner.password);
  await page.getByLabel("Once more").fill(owner.password);
  await page.getByRole("button", { name: "Set password and sign in" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Dashboard");

  await page.getByRole("button", { name: "Sign out" }).click();
  const again = await page.goto(link);
  expect(again.status()).toBeGreaterThanOrEqual(400);
});

test("every page of the console of a new installation wakes up @javascript", async ({ page, own }) => {
  await own.owner(owner.email, owner.password);
  await page.goto("/admin/incidents/new");
  await page.getByLabel("E-mail address").fill(owner.email);
  await page.getByLabel("Password").fill(owner.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await awake(page);
  await expect(page.getByRole("link", { name: "Add your first component" })).toBeVisible();
});
