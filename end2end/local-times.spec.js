import { Console, signIn } from "./support/console.js";
import { alone, expect, test, unique } from "./support/test.js";

// In Kolkata it is the same day, with the room for the time kept, or the next one, whose name may need another line on a
// small phone. Web Vitals call a tenth good.
const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
for (const [when, local, most] of [["10:12", /^15:42 your time$/, 0.01], ["20:12", /^\d+ [A-Z][a-z]+,? 0?1:42 your time$/, 0.05]]) {
  alone(`the reader's own times appear without moving what is read, at ${when} @javascript`, async ({ own, page }) => {
    await page.context().addCookies([await signIn(own)]);
    const admin = new Console(page, own);
    const component = await admin.component(unique("Clock"));
    const id = await admin.incident(unique("Wrong times"), {
      components: { [component]: "partial_outage" },
      body: "Two clocks disagree.\n\nWe say more soon.",
      display_at: `${yesterday} ${when} UTC`,
    });
    for (const width of [320, 390, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      for (const [place, where] of [["/", `#incident-${id} .local`], [`/incidents/${id}`, ".update .local"]]) {
        await page.goto(place);
        await expect(page.locator(where).first()).toHaveText(local);
        const moved = await page.evaluate(
          () =>
            new Promise((resolve) => {
              const seen = [];
              new PerformanceObserver((list) => seen.push(...list.getEntries().map((entry) => entry.value))).observe({ type: "layout-shift", buffered: true });
              requestAnimationFrame(() => requestAnimationFrame(() => resolve(seen.reduce((sum, value) => sum + value, 0))));
            }),
        );
        expect(moved, `${place} at ${width} px`).toBeLessThan(most);
      }
    }
  });
}

test("without a script every time is there in UTC @no-javascript", async ({ admin, page }) => {
  const id = await admin.incident(unique("Plain times"), { display_at: "2024-02-05 10:12 UTC" });
  await page.goto(`/incidents/${id}`);
  await expect(page.locator(".update time")).toHaveText("5 Feb 2024, 10:12 UTC");
  await expect(page.locator(".local")).toHaveCount(0);
});
