import { Console, signIn } from "./support/console.js";
import { alone as test, expect, expectNoSidewaysScroll } from "./support/test.js";

test("five hundred components, endless names and words from right to left stay readable on a small phone", async ({ page, own }) => {
  // Five hundred forms take their time.
  test.setTimeout(240_000);
  await page.context().addCookies([await signIn(own)]);
  const admin = new Console(page, own);
  const [wide, rtl] = ["W".repeat(300), "שירות התשלומים והחיובים של החברה"];
  const groups = [];
  for (const name of ["Europe", wide.replace("WW", "GG"), "אירופה", "America"]) {
    await admin.post("/admin/groups/new", { name, position: "1" });
  }
  await page.goto("/admin/components");
  for (const link of await page.locator("a[href^='/admin/groups/']").all()) groups.push((await link.getAttribute("href")).split("/").at(-1));
  const ids = groups.filter((id) => id !== "new");
  const names = Array.from({ length: 500 }, (_, number) => (number === 0 ? wide : number === 1 ? rtl : `Component ${number}`));
  for (let start = 0; start < names.length; start += 20) {
    await Promise.all(names.slice(start, start + 20).map((name, offset) =>
      admin.post("/admin/components/new", { name, description: name, status: "operational", group: ids[(start + offset) % 5] ?? "", position: String(start + offset) })));
  }
  await page.goto("/admin/components");
  const listed = await page.locator("a[href^='/admin/components/']").evaluateAll((links) => links.map((link) => link.getAttribute("href").split("/").at(-1)));
  const components = listed.filter((id) => id !== "new");
  expect(components.length).toBe(500);
  await expectNoSidewaysScroll(page);

  const body = `${"x".repeat(2_000)}\n\n| ${"column | ".repeat(12)}\n|${"---|".repeat(12)}\n| ${"W".repeat(200)} |\n\nעדכון: השירות חזר לפעול.\n\n- השירות חזר לפעול.\n\n${"Many words that say little. ".repeat(3_300)}`;
  const statuses = ["degraded_performance", "partial_outage", "major_outage"];
  const broken = Object.fromEntries(components.slice(0, 120).map((id, at) => [id, statuses[at % 3]]));
  const id = await admin.incident(`${"N".repeat(250)} ${rtl}`.slice(0, 290), { components: broken, body });
  const pages = components.slice(0, 2).map((component) => `/components/${component}`);
  for (const place of ["/", `/incidents/${id}`, "/history", ...pages, "/subscribe", `/subscribe?incident=${id}`, "/admin", "/admin/incidents", "/admin/incidents/new", `/admin/incidents/${id}`]) {
    const answer = await page.goto(place);
    expect(answer.status(), place).toBe(200);
    await expectNoSidewaysScroll(page);
    // What everyone reads is compressed. The console is for few.
    const most = place.startsWith("/admin") ? Infinity : 40_000;
    expect((await answer.request().sizes()).responseBodySize, `bytes of ${place}`).toBeLessThan(most);
  }
  await page.goto("/");
  await expect(page.getByRole("main")).toContainText(rtl);
});
