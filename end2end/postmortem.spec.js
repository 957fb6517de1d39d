// The day after: a draft with the timeline filled in, shown to reviewers, published, corrected.
import { awake, expect, expectAccessible, expectNoSidewaysScroll, test, unique } from "./support/test.js";

const text = `## Summary

Writes to **EU** failed[^1] from {time 2024-02-05 04:12 America/Chicago} on.

## Timeline

| When | What happened | What we knew |
|---|---|---|
| {time 2024-02-05 18:12 +08:00} | The first alarm, which nobody heard because the pager was silent | Nothing |
| {time 2024-02-05 11:39 UTC} | Rolled back | A bad deploy |

### What \`a < b\` has to do with it

- [x] found
- [ ] understood, {time 2024-02-05 18:12 CST}

\`\`\`sh
curl -sS 'https://api.example.com/a/long/path?x=<y>&z=1' --header 'Accept: application/json' | jq .
\`\`\`

## FAQ

Was I affected? <script>window.hacked=1</script> [Ask us](https://example.com/ask).

[^1]: By the logs.
`;

/** HTML without what differs between a preview and a page: prefixes of ids, and the reader's own times. */
const plain = (html) =>
  html
    .replaceAll(/(preview|review)-(?=(fn|section))/g, "")
    .replaceAll(/<span class="local">[^<]*<\/span>/g, "")
    .replaceAll(/ data-local=""/g, "")
    .trim();

/** An incident that is over. */
async function over(admin, name) {
  const id = await admin.incident(name, { display_at: "2024-02-05 10:12 UTC", body: "Some writes fail." });
  const end = { status: "resolved", body: "Rolled back.", display_at: "2024-02-05 11:39 UTC", notify: "no", intent: "publish" };
  await admin.post(`/admin/incidents/${id}`, end);
  return id;
}

test("a postmortem is drafted, reviewed by link, published and corrected", async ({ admin, page, browser, baseURL, javaScriptEnabled }) => {
  const name = unique("Writes failed");
  const id = await over(admin, name);
  await page.goto("/admin/postmortems");
  await page.getByRole("link", { name: `Write one about ${name}` }).click();
  const field = page.getByLabel("Text", { exact: true });
  await expect(field).toHaveValue(/\| \{time 2024-02-05 10:12 UTC\} \| \*\*Opened\.\*\* Some writes fail\. \|/);
  await expect(page.getByLabel("Resolved", { exact: true })).toHaveValue("2024-02-05 11:39 UTC");
  if (javaScriptEnabled) await awake(page);
  await field.fill(text);
  await page.getByLabel("Author").fill("Ada Example");
  await page.getByLabel("Started", { exact: true }).fill("2024-02-05 00:48 America/Chicago");
  await page.getByLabel("Action 1", { exact: true }).fill("Page louder");
  await page.getByLabel("By when").first().fill("2030-03-01");
  const preview = page.locator(".preview .prose");
  if (javaScriptEnabled) {
    await expect(preview).toContainText("By the logs.");
    // Also a city's time: a browser knows the zones by itself.
    await expect(preview.locator("time").first()).toHaveText("5 Feb 2024, 10:12 UTC");
  }
  const previewed = javaScriptEnabled ? await preview.innerHTML() : undefined;
  await page.getByRole("button", { name: "Save draft" }).click();
  await expect(page.locator(".flash")).toHaveText("The draft is saved.");
  await expect(field).toHaveValue(text.trim());
  await expect(page.locator(".figures")).toContainText("Detected after 3 h 24 min");

  // Reviewers need no account.
  await page.getByRole("button", { name: "Make a link for reviewers" }).click();
  const link = await page.locator(".secret-link a").getAttribute("href");
  const reviewer = await browser.newContext({ baseURL, javaScriptEnabled });
  const seen = await reviewer.newPage();
  await seen.goto(link);
  await expect(seen.getByText("Draft, not published.")).toBeVisible();
  await expect(seen.getByRole("heading", { level: 1 })).toHaveText(name);
  expect((await seen.goto(`/postmortems/${id}`)).status()).toBe(404);

  // The review says what would be left as typed, and shows what will be published.
  if (javaScriptEnabled) await awake(page);
  await page.locator("#notify-no").check();
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page.locator("#review")).toContainText("{time 2024-02-05 18:12 CST} is left as typed: “CST” names several time zones");
  const reviewed = await page.locator("#review .prose").innerHTML();
  if (javaScriptEnabled) expect(plain(previewed)).toBe(plain(reviewed));
  await page.getByRole("button", { name: "Publish postmortem" }).click();
  await expect(page.locator(".flash")).toContainText("Nobody is mailed");

  await seen.goto(link);
  expect(new URL(seen.url()).pathname).toBe(`/postmortems/${id}`);
  await reviewer.close();
  await page.goto(`/incidents/${id}`);
  await page.locator(".to-postmortem a").click();
  expect(plain(await page.locator(".postmortem > .prose").innerHTML())).toBe(plain(reviewed));
  await expect(page.locator(".span")).toContainText("after 3 h 24 min");
  await expect(page.locator(".follow-ups li")).toContainText("To do");
  await expect(page.locator(".prose script, .prose img")).toHaveCount(0);
  if (javaScriptEnabled) await expect(page.locator(".prose td .local").first()).toHaveText("15:42 your time");
  await page.getByRole("link", { name: "What a < b has to do with it" }).click();
  await expect(page.locator(":target")).toContainText("has to do with it");

  // A correction is read at once.
  await page.goto(`/admin/incidents/${id}/postmortem`);
  if (javaScriptEnabled) await awake(page);
  await field.fill("## Summary\n\nIt was the cache after all.");
  await page.getByRole("button", { name: "Save and publish the changes" }).click();
  await page.goto(`/postmortems/${id}`);
  await expect(page.locator(".prose")).toContainText("It was the cache after all.");
  await expect(page.locator("header .edited")).toContainText("edited");
  await page.goto("/admin/postmortems");
  const action = page.getByRole("listitem").filter({ hasText: name }).filter({ hasText: "Page louder" });
  await action.getByRole("button", { name: /^Done\s?: Page louder$/ }).click();
  await page.goto(`/postmortems/${id}`);
  await expect(page.locator(".follow-ups")).toContainText("1 of 1 done");
});

test("two authors see both texts before one replaces the other", async ({ admin, page, javaScriptEnabled }) => {
  const id = await over(admin, unique("Two at once"));
  const place = `/admin/incidents/${id}/postmortem`;
  await page.goto(place);
  if (javaScriptEnabled) await awake(page);
  await page.getByLabel("Text", { exact: true }).fill("My words.");
  const times = { started_at: "2024-02-05 10:12", detected_at: "2024-02-05 10:12", mitigated_at: "", resolved_at: "2024-02-05 11:39" };
  await admin.post(place, { version: "0", author: "Eve", body: "Their words.", ...times, intent: "save" });
  await page.getByRole("button", { name: "Save draft" }).click();
  await expect(page.locator("#overtaken")).toBeFocused();
  await expect(page.locator("#overtaken pre")).toContainText("Their words.");
  await expect(page.getByLabel("Text", { exact: true })).toHaveValue("My words.");
  await page.getByRole("button", { name: "Save draft" }).click();
  await expect(page.locator(".flash")).toHaveText("The draft is saved.");
});

test("postmortems are accessible to write and to read @javascript", async ({ admin, page }) => {
  const id = await over(admin, unique("Reads failed"));
  const place = `/admin/incidents/${id}/postmortem`;
  const look = async (colorScheme = "light") => {
    await page.emulateMedia({ colorScheme });
    if (await page.locator("leptos-island").count()) await awake(page);
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
  };
  await page.goto(place);
  await look();
  await page.getByLabel("Text", { exact: true }).fill(text);
  await page.getByLabel("Action 1", { exact: true }).fill("Page louder");
  await page.getByRole("button", { name: "Save draft" }).click();
  await page.getByRole("button", { name: "Make a link for reviewers" }).click();
  await look("dark");
  await awake(page);
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page.locator("#review")).toBeFocused();
  await look();
  await page.getByRole("button", { name: "Publish postmortem" }).click();
  await expect(page).toHaveTitle(/^Error/);
  await look();
  await page.locator("#notify-no").check();
  await page.getByRole("button", { name: "Publish postmortem" }).click();
  for (const at of [`/postmortems/${id}`, `/incidents/${id}`, "/admin/postmortems", place]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.goto(at);
      await look(colorScheme);
    }
  }
});
