import { expect, test, unique } from "./support/test.js";

test("the reader's own times appear without moving what is read @javascript", async ({ admin, page }) => {
  const component = await admin.component(unique("Clock"));
  const name = unique("Wrong times");
  const id = await admin.incident(name, { components: { [component]: "partial_outage" }, body: "Two clocks disagree.\n\nWe say more soon." });
  for (const width of [320, 390, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    for (const place of ["/", `/incidents/${id}`]) {
      await page.goto(place);
      await expect(page.locator(".local").first()).toHaveText(/^\d\d:\d\d your time$/);
      const moved = await page.evaluate(
        () =>
          new Promise((resolve) => {
            const seen = [];
            new PerformanceObserver((list) => seen.push(...list.getEntries().map((entry) => entry.value))).observe({ type: "layout-shift", buffered: true });
            requestAnimationFrame(() => requestAnimationFrame(() => resolve(seen.reduce((sum, value) => sum + value, 0))));
          }),
      );
      // A tenth of what Web Vitals call good.
      expect(moved, `${place} at ${width} px`).toBeLessThan(0.01);
    }
  }
});

test("without a script every time is there in UTC @no-javascript", async ({ admin, page }) => {
  const id = await admin.incident(unique("Plain times"), { display_at: "2024-02-05 10:12 UTC" });
  await page.goto(`/incidents/${id}`);
  await expect(page.locator(".update time")).toHaveText("5 Feb 2024, 10:12 UTC");
  await expect(page.locator(".local")).toHaveCount(0);
});
