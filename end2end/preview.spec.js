import { awake, expect, test, unique } from "./support/test.js";

const rich = `# What broke

Writes to **EU** failed[^1]; reads _did not_. See [the plan](https://example.com/plan?a=1&b=2) or <https://example.com>.

| Region | Errors | Since |
|:--|--:|:-:|
| EU | 4 % | 13:05 |
| US | 0 % | |

- [x] traffic moved
- [ ] cache rebuilt

> The edge cache answered with old data.

\`\`\`sh
curl -sS 'https://api.example.com/?x=<y>&z' | jq .
\`\`\`

Inline \`a < b\` and <b onclick="window.hacked=1">raw HTML</b>, <script>window.hacked=1</script>,
<img src=x onerror=window.hacked=1>, [a link](javascript:window.hacked=1), שלום.

[^1]: From 13:05 until 13:50 UTC.
`;

/** HTML without what tells one text's footnotes from another's on the same page. */
const plain = (html) => html.replaceAll(/(u-[a-z0-9]+|review|preview)-(?=fn)/g, "").trim();

test("the preview is what the review shows and what is published", async ({ admin, page, javaScriptEnabled }) => {
  await admin.component(unique("Storage"));
  const name = unique("Old data");
  await page.goto("/admin/incidents/new");
  if (javaScriptEnabled) await awake(page);
  await page.getByLabel("Title", { exact: true }).fill(name);
  await page.getByRole("radio", { name: "Investigating" }).check();
  await page.getByLabel("What do readers need to know?").fill(rich);
  await page.locator("#notify-no").check();
  const preview = page.locator(".preview .prose");
  const previewed = javaScriptEnabled ? await preview.innerHTML() : undefined;

  await page.getByRole("button", { name: "Review" }).click();
  const reviewed = await page.locator("#review .prose").innerHTML();
  // After a review the preview is drawn by the server too, and shows the same.
  expect(plain(await preview.innerHTML())).toBe(plain(reviewed));
  if (javaScriptEnabled) expect(plain(previewed)).toBe(plain(reviewed));

  await page.getByRole("button", { name: "Publish incident" }).click();
  const incident = new URL(page.url()).pathname.replace("/admin", "");
  await page.goto(incident);
  const published = page.locator(".update .prose");
  expect(plain(await published.innerHTML())).toBe(plain(reviewed));
  await expect(published.locator("table tbody tr")).toHaveCount(2);
  await expect(published.locator("script, img, b[onclick], [href^='javascript']")).toHaveCount(0);
  await published.locator(".footnote a, sup a").first().click();
  expect(new URL(page.url()).hash).not.toBe("");
  await expect(page.locator(":target")).toContainText("From 13:05");
  expect(await page.evaluate(() => window.hacked)).toBeUndefined();
});

test("how many people are mailed follows the components that are chosen", async ({ admin, page, javaScriptEnabled }) => {
  const [first, second] = [unique("Mail"), unique("Search")];
  await admin.component(first);
  await admin.component(second);
  await admin.followers(first, 3);
  await admin.followers(second, 4);
  await page.goto("/admin/incidents/new");
  const mail = page.locator("label[for=notify-yes]");
  const reviewed = page.locator("#review .consequences");
  const review = async () => {
    await page.getByRole("button", { name: "Review" }).click();
    return page.locator("#review .consequences");
  };
  if (javaScriptEnabled) {
    await awake(page);
    await page.getByLabel(first).selectOption("major_outage");
    await expect(mail).toContainText("Mail 3 people, done about");
    await page.getByLabel(second).selectOption("degraded_performance");
    await expect(mail).toContainText("Mail 7 people");
    await page.getByLabel(first).selectOption("");
    await expect(mail).toContainText("Mail 4 people");
    await page.getByLabel(second).selectOption("");
    await expect(mail).toContainText("nobody follows this yet");
  }
  await page.getByLabel("Title", { exact: true }).fill(unique("Both are slow"));
  await page.getByRole("radio", { name: "Investigating" }).check();
  await page.getByLabel("What do readers need to know?").fill("Both answer slowly.");
  await page.getByLabel(first).selectOption("degraded_performance");
  await page.getByLabel(second).selectOption("degraded_performance");
  await page.locator("#notify-yes").check();
  await expect(await review()).toContainText("Mails 7 people, done about");
  await expect(mail).toContainText("Mail 7 people");
  await page.locator("#notify-no").check();
  await review();
  await expect(reviewed).toContainText("Nobody is mailed");
});
