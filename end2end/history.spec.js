import { expect, expectAccessible, expectNoSidewaysScroll, test, unique } from "./support/test.js";

test("what is over can be found by month, and the way back ends where history begins", async ({ admin, page }) => {
  const [first, last] = [unique("Long ago"), unique("Just now")];
  const over = { status: "resolved", body: "It is over." };
  await admin.incident(first, { ...over, display_at: "2020-02-29 10:12 UTC" });
  await admin.incident(last, over);

  await page.goto("/");
  const past = page.getByRole("region", { name: "Past incidents" });
  await expect(past.locator(".day")).toHaveCount(14);
  await expect(past).toContainText(last);
  await expect(past).toContainText("Nothing reported");
  await expect(past).not.toContainText(first);
  await past.getByRole("link", { name: "All incidents by month" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Incidents in /);
  await expect(page.getByRole("main")).toContainText(last);
  const months = page.getByRole("navigation", { name: "Months" });
  await expect(months.getByRole("link")).toHaveCount(1);
  await months.getByRole("link").click();
  await expect(months.getByRole("link")).toHaveCount(2);

  await page.goto("/history/2020-02");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Incidents in February 2020");
  await expect(months.getByRole("link")).toHaveText(["March 2020"]);
  await page.getByRole("link", { name: first }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(first);

  await page.goto("/history/2020-03");
  await expect(page.getByRole("main")).toContainText("Nothing was reported in March 2020.");
  expect((await page.goto("/history/2999-01")).status()).toBe(404);
});

test("a component's page says how it fares and what was, and leads to its feeds and mails", async ({ admin, page }) => {
  const [api, name] = [unique("API"), unique("Slow answers")];
  const group = await admin.group(unique("Platform"));
  const id = await admin.component(api, { group, description: "Everything under api.example.com" });
  await admin.incident(name, { components: { [id]: "degraded_performance" } });
  await page.goto("/");
  await page.getByRole("link", { name: api, exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(api);
  await expect(page.locator(".banner")).toContainText("Degraded performance");
  await expect(page.getByRole("article")).toContainText(name);
  await expect(page.getByRole("main")).toContainText("Everything under api.example.com");
  for (const feed of ["Atom", "RSS", "JSON"]) {
    const address = await page.getByRole("main").getByRole("link", { name: feed }).getAttribute("href");
    expect((await page.request.get(address)).status()).toBe(200);
  }
  await page.getByRole("link", { name: "Subscribe by mail" }).click();
  await expect(page.getByRole("checkbox", { name: api })).toBeChecked();
  await expect(page.locator("#everything")).not.toBeChecked();
});

test("history and component pages are accessible and never scroll sideways @javascript", async ({ admin, page }) => {
  const id = await admin.component(unique("Search"), { description: "Finds things" });
  await admin.incident(unique("Nothing is found"), { components: { [id]: "partial_outage" } });
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const place of ["/history", "/history/2019-01", `/components/${id}`]) {
      await page.goto(place);
      await expectAccessible(page);
      await expectNoSidewaysScroll(page);
    }
  }
});
