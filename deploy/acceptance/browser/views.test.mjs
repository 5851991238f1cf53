// Saved views, as an officer uses them, on the built binary with a synthetic hospital.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, base, browser, inspect, links, signIn, story, visitor } from "./site.mjs";

const kept = {};
const list = (page) => page.locator("td[data-label=View] a");

before(async () => {
  kept.officer = await visitor();
  await signIn(kept.officer.page, links.views);
});
after(() => browser.close());

/** Saves what the page asks, from its menu. */
async function save(page, name, shared) {
  await page.locator("details.views > summary").click();
  await page.locator("details.views p.empty, details.views ul").first().waitFor();
  await page.getByLabel("Save these conditions as").fill(name);
  if (shared) await page.getByLabel("Share it with everybody who may ask").check();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.waitForURL(/\/views/);
}

test("the empty list says what to do, and every page that can be saved has a menu", async () => {
  const { page } = kept.officer;
  await page.goto(`${base}/views`);
  await page.getByText("No saved views here.").waitFor();
  await inspect(page, "views-none");
  for (const path of ["/alerts", "/cases", "/accesses", "/scope"]) {
    await page.goto(base + path);
    assert.equal(await page.locator("details.views").count(), 1, path);
  }
});

test("a record of the last week is saved, found in the menu and opened with the window of today", async () => {
  const { page } = kept.officer;
  await ask(page, story.mrn, "records");
  await page.locator("details.filter > summary").first().click();
  await page.getByLabel("Days", { exact: true }).selectOption("7");
  await page.locator("#department").fill("Oncology");
  await page.getByRole("button", { name: "Ask again" }).click();
  await page.waitForURL(/\/records\//);
  const saved = page.url();
  let come;
  const held = new Promise((resolve) => { come = resolve; });
  await page.route("**/views/menu?*", async (route) => { await held; await route.continue(); });
  await page.locator("details.views > summary").click();
  await inspect(page, "record-views-menu-waits");
  come();
  await page.getByText("No view of this page is saved yet.").waitFor();
  await inspect(page, "record-views-menu");
  await page.unrouteAll({ behavior: "wait" });
  await page.locator("details.views > summary").click();
  await save(page, "The neighbour's week", true);
  await page.getByText("Saved.").waitFor();
  await inspect(page, "views");
  await page.goto(saved);
  await page.locator("details.views > summary").click();
  await page.locator("details.views ul a").first().click();
  await page.waitForURL(saved);
  assert.equal(await page.locator("#department").inputValue(), "Oncology");
  assert.equal(await page.getByLabel("Days", { exact: true }).inputValue(), "7");
});

test("a name that tells whom the view is about is refused", async () => {
  const { page } = kept.officer;
  await ask(page, story.mrn, "records");
  await save(page, `Watch ${story.mrn.split("|").pop()}`, false);
  await page.getByRole("alert").getByText("it shows in menus").waitFor();
});

test("the queue and a search are saved, renamed by keys, and deleted", async () => {
  const { page } = kept.officer;
  await page.goto(`${base}/alerts?show=all&last=30`);
  await save(page, "A month of everything", false);
  await page.goto(`${base}/views?page=alerts`);
  await list(page).getByText("A month of everything").click();
  await page.waitForURL(`${base}/alerts?last=30&show=all`);
  await page.goto(`${base}/views?page=alerts`);
  await page.locator("details.decide summary").first().focus();
  await page.keyboard.press("Enter");
  await inspect(page, "views-change");
  await page.locator("details.decide[open] input[name=name]").fill("The month");
  await page.keyboard.press("Enter");
  await page.getByText("Changed.").waitFor();
  assert.equal(await list(page).getByText("The month").count(), 1);
  await page.locator("tr", { hasText: "The month" }).locator("summary").click();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByText("Deleted.").waitFor();
  assert.equal(await list(page).getByText("The month").count(), 0);
});

test("in another session, what is shared is found; the status page says that nothing runs", async () => {
  const other = await visitor();
  await signIn(other.page, links.viewsOther);
  await other.page.goto(`${base}/views`);
  await list(other.page).getByText("The neighbour's week").waitFor();
  await inspect(other.page, "views-of-others");
  await other.page.goto(`${base}/status`);
  await other.page.getByText("No import, rebuild or backtest is running.").waitFor();
  await inspect(other.page, "status-idle");
  assert.deepEqual(other.wrong, []);
  assert.deepEqual(kept.officer.wrong, []);
  await other.context.close();
});
