import { expect, test, unique } from "./support/test.js";

/** The newest captured mail to an address whose subject has these words, with soft line breaks undone. */
async function mailTo(server, address, subject) {
  let found;
  await expect(async () => {
    const mails = (await server.outbox()).filter((mail) => new RegExp(`^To:.*${address}`, "im").test(mail));
    found = mails.filter((mail) => mail.replaceAll(/\r?\n[ \t]+/g, " ").match(/^Subject: (.*)$/m)?.[1].includes(subject)).at(-1);
    expect(found).toBeTruthy();
  }).toPass({ timeout: 15_000 });
  return found.replaceAll(/=\r?\n/g, "").replaceAll("=3D", "=");
}

/** The path of the first link in a mail's text whose path begins so. */
function link(mail, beginning) {
  return mail.match(new RegExp(`https?://[^/\\s]+(/${beginning}/[^\\s">]+)`))[1];
}

test("someone subscribes, confirms, is told, changes what they hear of, and leaves, by the links in their mails", async ({ admin, page, server }) => {
  const [api, shop] = [unique("API"), unique("Shop")];
  const id = await admin.component(api);
  const other = await admin.component(shop);
  const address = `${unique("reader").replace(" ", "-")}@example.net`;

  await page.goto("/");
  await page.getByRole("banner").getByRole("link", { name: "Subscribe" }).click();
  await page.getByLabel("Your e-mail address").fill("not an address@");
  await page.locator("main form").evaluate((form) => (form.noValidate = true));
  await page.getByRole("checkbox", { name: "Everything" }).uncheck();
  await page.getByRole("button", { name: "Subscribe" }).click();
  await expect(page.getByLabel("Your e-mail address")).toHaveValue("not an address@");
  await expect(page.locator(".field-error")).toHaveCount(2);

  await page.getByLabel("Your e-mail address").fill(address);
  await page.getByRole("checkbox", { name: api }).check();
  await page.getByRole("button", { name: "Subscribe" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Check your inbox");

  const confirmation = await mailTo(server, address, "Confirm your subscription");
  await page.goto(link(confirmation, "confirm"));
  await page.getByRole("button", { name: "Confirm subscription" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("You are subscribed");

  // An incident elsewhere is none of their business; one of their component is.
  await admin.incident(unique("Shop is shut"), { components: { [other]: "major_outage" }, notify: "yes" });
  const name = unique("API is slow");
  const incident = await admin.incident(name, { components: { [id]: "degraded_performance" }, notify: "yes", body: "We see **slow** answers." });
  const update = await mailTo(server, address, name);
  expect(update).toContain("slow");
  expect(update).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click/m);
  expect((await server.outbox()).filter((mail) => mail.includes(address) && mail.includes("Shop is shut"))).toEqual([]);
  await page.goto(link(update, "incidents"));
  expect(page.url()).toContain(incident);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);

  await page.goto(link(update, "manage"));
  await expect(page.getByRole("main")).toContainText(address);
  await expect(page.getByRole("checkbox", { name: api })).toBeChecked();
  await page.getByRole("checkbox", { name: api }).uncheck();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.locator(".field-error")).toHaveCount(1);
  await page.getByRole("checkbox", { name: shop }).check();
  await page.getByLabel("Language of the mails").selectOption("de");
  await page.getByLabel("Time zone").selectOption("Asia/Taipei");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status")).toHaveText("Your choice is saved.");
  await expect(page.getByLabel("Time zone")).toHaveValue("Asia/Taipei");
  await expect(page.getByRole("checkbox", { name: shop })).toBeChecked();
  await expect(page.getByRole("checkbox", { name: api })).not.toBeChecked();

  // The next mail is in their language and by their clock; what people wrote is as they wrote it.
  const slow = unique("Shop is slow");
  await admin.incident(slow, { components: { [other]: "degraded_performance" }, notify: "yes", body: "We see **slow** answers." });
  const german = Buffer.from(await mailTo(server, address, slow)).toString().replaceAll(/(?:=[0-9A-F]{2})+/g, (bytes) => Buffer.from(bytes.replaceAll("=", ""), "hex").toString());
  expect(german).toContain("Wird untersucht");
  expect(german).toMatch(/ UTC · .*bei Ihnen \(Asia\/Taipei\)/);
  expect(german).toContain("Statusseite öffnen");
  expect(german).toContain("slow");

  // Who lost every mail is sent the way to their page.
  await page.goto("/subscribe");
  await page.getByRole("link", { name: "Subscribed already?" }).click();
  await page.getByLabel("Your e-mail address").fill(address);
  await page.getByRole("button", { name: "Send me the link" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Check your inbox");
  await page.goto(link(await mailTo(server, address, "Ihr Abonnement"), "manage"));
  await expect(page.getByLabel("Time zone")).toHaveValue("Asia/Taipei");

  // Opening the link to leave changes nothing; the button does.
  const leave = link(update, "unsubscribe");
  await page.goto(leave);
  await page.goto(leave);
  await page.getByRole("button", { name: "Unsubscribe" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("You are unsubscribed");
  await page.goto(leave);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("You are unsubscribed");

  await page.goto("/admin/outbox");
  await expect(page.getByText(address).first()).toBeVisible();
  await page.getByRole("link", { name }).first().click();
  await expect(page.locator("pre.mail")).toContainText("slow");
});

test("a reader follows one incident by mail, from its page, and lets go of it on their own", async ({ admin, page, server }) => {
  const [name, other] = [unique("Late trains"), await admin.component(unique("Ferry"))];
  const id = await admin.incident(name, {});
  const address = `${unique("traveller").replace(" ", "-")}@example.net`;
  await page.goto(`/incidents/${id}`);
  await page.getByRole("link", { name: "Follow this incident by mail" }).click();
  await expect(page.locator(`#incident-${id}`)).toBeChecked();
  await expect(page.locator("#everything")).not.toBeChecked();
  await page.getByLabel("Your e-mail address").fill(address);
  await page.getByRole("button", { name: "Subscribe" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Check your inbox");
  await page.goto(link(await mailTo(server, address, "Confirm your subscription"), "confirm"));
  await page.getByRole("button", { name: "Confirm subscription" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("You are subscribed");

  await admin.post(`/admin/incidents/${id}`, { status: "identified", body: "Leaves on the line.", notify: "yes", intent: "publish" });
  const update = await mailTo(server, address, name);
  expect(update).toContain("Leaves on the line.");
  await page.goto(link(update, "manage"));
  await expect(page.locator(`#incident-${id}`)).toBeChecked();
  await page.locator(`#incident-${id}`).uncheck();
  await page.locator(`#component-${other}`).check();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status")).toHaveText("Your choice is saved.");
  await expect(page.locator(`#incident-${id}`)).toHaveCount(0);
});

test("a link that lost a part on its way says what to do", async ({ page }) => {
  const gone = await page.goto("/confirm/AQEAAAnonsense");
  expect(gone.status()).toBe(410);
  await expect(page.getByRole("link", { name: "Subscribe again" })).toBeVisible();
  expect((await page.goto("/manage/nonsense")).status()).toBe(404);
  expect((await page.goto("/unsubscribe/nonsense")).status()).toBe(404);
});
