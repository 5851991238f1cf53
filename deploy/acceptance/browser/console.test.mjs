// The console as people use it, on the built binary with a synthetic hospital.
import assert from "node:assert/strict";
import { availableParallelism, loadavg } from "node:os";
import { after, before, test } from "node:test";
import { ask, base, browser, inspect, links, signIn, story, visitor } from "./site.mjs";

const kept = {};

before(async () => {
  kept.main = await visitor();
});
after(() => browser.close());

test("a link signs in once, and leaves no secret behind", async () => {
  const { page, context } = kept.main;
  await signIn(page, links.first);
  assert.equal(new URL(page.url()).hash, "");
  const [cookie, ...others] = await context.cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, others.length], [true, "Strict", 0]);
  assert.equal(await page.evaluate(() => document.cookie), "");
  await page.goBack().catch(() => {});
  assert.ok(!page.url().includes("#"), "the secret is in the history");

  const late = await visitor();
  late.expected.add(403);
  await late.page.goto(links.first);
  await late.page.getByRole("alert").getByText("was used before").waitFor();
  await inspect(late.page, "sign-in");
  assert.deepEqual(late.wrong, []);
  await late.context.close();
});

test("the search box finds a record by its number", async () => {
  const { page } = kept.main;
  await page.goto(`${base}/`);
  await inspect(page, "home");
  await ask(page, story.mrn.split("|").pop());
  if (page.url().includes("/find/")) {
    await inspect(page, "find");
    await page.getByRole("link", { name: "A record", exact: true }).click();
  }
  await page.waitForURL(/\/records\//);
  await page.getByRole("heading", { name: "Who viewed this record?", level: 1 }).waitFor();
});

test("what nobody knows is said to be unknown", async () => {
  const { page } = kept.main;
  await ask(page, "no-such-thing-7");
  await page.getByRole("heading", { name: "Nothing is known of it" }).waitFor();
  await inspect(page, "unknown");
});

test("who viewed this record", async () => {
  const { page } = kept.main;
  await ask(page, story.mrn, "records");
  kept.record = page.url();
  await inspect(page, "record");
  for (const heading of ["What this answer rests on", "Readers by department", "Hours of the week", "Accesses", "Looks through Readtrail"]) {
    await page.getByRole("heading", { name: heading }).waitFor();
  }
  // The week's cells add up to the accesses that the page counts.
  const counted = await page.evaluate(() => {
    const of = (text) => Number(text.replace(/\D/g, "") || 0);
    const all = [...document.querySelectorAll("table.grid tbody tr td:last-child")].reduce((sum, cell) => sum + of(cell.textContent), 0);
    const stated = of([...document.querySelectorAll(".stats li")].find((li) => li.textContent.includes("access")).querySelector("b").textContent);
    return { all, stated };
  });
  assert.ok(counted.stated > 50 && counted.all === counted.stated, JSON.stringify(counted));
});

test("older accesses come in their place, and the focus with them", async () => {
  const { page } = kept.main;
  await page.goto(kept.record);
  const rows = page.locator("tbody tr:has(td[data-label=Event])");
  assert.equal(await rows.count(), 50);
  await page.getByRole("link", { name: "Older accesses" }).click();
  await page.waitForFunction(() => document.querySelectorAll("td[data-label=Event]").length > 50);
  assert.equal(page.url(), kept.record);
  await page.waitForFunction(() => document.activeElement.closest("tr") !== null);
  const first = await page.evaluate(() => {
    const all = [...document.querySelectorAll("tr:has(td[data-label=Event])")];
    return all.indexOf(document.activeElement.closest("tr"));
  });
  assert.equal(first, 50, "the focus is not on the first new row");
  const positions = await page.locator("td[data-label=Event] a").allTextContents();
  assert.equal(new Set(positions).size, positions.length, "a row came twice");
});

test("an event and its original, bit for bit", async () => {
  const { page } = kept.main;
  await page.goto(kept.record);
  await page.locator("td[data-label=Event] a").first().click();
  await page.waitForURL(/\/events\//);
  await inspect(page, "event");
  await page.getByRole("link", { name: "Open the original" }).click();
  await page.locator("pre").waitFor();
  await inspect(page, "original");
  const shown = JSON.parse(await page.locator("pre").textContent());
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Keep as a file" }).click()]);
  const chunks = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk);
  assert.deepEqual(JSON.parse(Buffer.concat(chunks).toString()), shown);
  assert.equal(shown.resourceType, "AuditEvent");
});

test("what a reader did", async () => {
  const { page } = kept.main;
  await ask(page, story.reader, "readers");
  await page.getByRole("heading", { name: "Accesses over time" }).waitFor();
  await inspect(page, "reader");
  await page.getByRole("link", { name: "Beside their peers" }).click();
  await page.getByRole("heading", { name: "Beside the peers" }).waitFor();
  await page.getByText("Period and time zone").first().click();
  await inspect(page, "profile");
  // Whoever reads with the ears has every number; the picture is beside it.
  const cells = await page.locator("table.figures tbody tr").allTextContents();
  assert.equal(cells.length, 8);
  for (const cell of cells) assert.match(cell, /\d|not known/);
});

test("a search by place, with another period", async () => {
  const { page } = kept.main;
  await page.goto(kept.record);
  const place = (await page.locator("td[data-label=Where]").first().textContent()).split(", ").pop().trim();
  await page.goto(`${base}/accesses`);
  await inspect(page, "search");
  await page.getByLabel("Workstation", { exact: true }).fill(place);
  await page.getByLabel("Why do you ask?").fill("trying the demo");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.waitForURL(/\/accesses\/./);
  await page.locator("td[data-label=Where]").first().waitFor();
  for (const where of await page.locator("td[data-label=Where]").allTextContents()) assert.ok(where.includes(place), where);
  await inspect(page, "accesses");

  await page.goto(kept.record);
  await page.getByText("Filters, period and time zone").click();
  await inspect(page, "record-filters");
  await page.getByLabel("Last day").fill("2001-01-01");
  await page.getByRole("button", { name: "Ask again" }).click();
  await page.getByText("No access to this record that matches is in what the sources reported.").waitFor();
  await inspect(page, "record-empty");
});

test("sources, dead letters, status, the glass, help", async () => {
  const { page } = kept.main;
  for (const [path, name] of [["/sources", "sources"], ["/dead-letters", "dead-letters"], ["/status", "status"], ["/glass", "glass"], ["/help", "help"]]) {
    await page.goto(base + path);
    await inspect(page, name);
  }
  await page.goto(`${base}/dead-letters`);
  await page.locator("td[data-label=Position] a").first().click();
  await page.getByRole("heading", { name: "Why do you ask?" }).waitFor();
  await inspect(page, "purpose");
  await page.getByLabel("Purpose").fill("a source complained");
  await page.getByRole("button", { name: "Show the answer" }).click();
  await page.locator("pre").waitFor();
  await inspect(page, "dead-letter");
  // The status looks again by itself.
  await page.goto(`${base}/status`);
  const seen = await page.locator("#progress").getByText("seen at").locator("xpath=..").textContent();
  await page.waitForFunction((old) => !document.querySelector("#progress").textContent.includes(old), seen.replace("seen at", "").trim(), { timeout: 12_000 });
});

test("the keyboard alone", async () => {
  const { page } = kept.main;
  const key = (...keys) => keys.reduce((so, k) => so.then(() => page.keyboard.press(k)), Promise.resolve());
  await page.goto(`${base}/sources`);
  await key("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await key("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await key("/");
  assert.equal(await page.evaluate(() => document.activeElement.name), "q");
  await page.keyboard.type(story.mrn);
  await key("Enter");
  await page.waitForURL(/\/find\//);
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("trying the keyboard");
  await key("Enter");
  // The patient reads at home: the number is a record and a reader, and the console asks back.
  await page.getByRole("heading", { name: "Which one do you mean?" }).waitFor();
  await key("j", "Enter");
  await page.waitForURL(/\/records\//);
  await key("j", "j", "k");
  assert.equal(await page.evaluate(() => [...document.querySelectorAll("[data-row]")].indexOf(document.activeElement.closest("[data-row]"))), 0);
  await key("Enter");
  await page.waitForURL(/\/readers\//);
  await key("?");
  await page.getByRole("dialog").waitFor();
  await inspect(page, "keys");
  await key("Escape");
  assert.equal(await page.getByRole("dialog").isVisible(), false);
  // The second key may take its time; another one ends the wait.
  await key("g");
  await page.waitForTimeout(2000);
  await key("t");
  await page.waitForURL(`${base}/status`);
  await key("g", "x", "s");
  await page.waitForTimeout(300);
  assert.equal(page.url(), `${base}/status`);
  // Every stop of the tab key can be seen.
  await page.goto(kept.record);
  for (let stop = 0; stop < 25; stop++) {
    await key("Tab");
    const seen = await page.evaluate(() => {
      const at = document.activeElement;
      const style = getComputedStyle(at);
      const box = at.getBoundingClientRect();
      return { name: at.outerHTML.slice(0, 80), outline: style.outlineStyle, width: parseFloat(style.outlineWidth), on: box.bottom > 0 && box.top < innerHeight };
    });
    assert.ok(seen.outline !== "none" && seen.width >= 2 && seen.on, JSON.stringify(seen));
  }
  // Single keys can be turned off.
  await page.goto(`${base}/help`);
  await page.locator("main").getByLabel("Single keys are shortcuts").uncheck();
  await page.locator("h1").click();
  await key("g", "s");
  await page.waitForTimeout(300);
  assert.equal(page.url(), `${base}/help`);
  await page.locator("main").getByLabel("Single keys are shortcuts").check();
});

test("without scripts", async () => {
  const { page, context, wrong } = await visitor({ javaScriptEnabled: false });
  await page.goto(`${base}/sign-in`);
  await page.getByText("With a link of the server's own machine").click();
  await page.getByLabel("One-time secret").fill(links.script.split("#").pop());
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${base}/`);
  await ask(page, story.mrn, "records");
  await page.getByRole("link", { name: "Older accesses" }).click();
  await page.getByRole("heading", { name: "Older accesses" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${base}/sign-in`);
  await page.goto(kept.record);
  await page.waitForURL(`${base}/sign-in`);
  assert.deepEqual(wrong, []);
  await context.close();
});

test("a viewer sees no names", async () => {
  const { page, context, wrong, expected } = await visitor();
  expected.add(403);
  await signIn(page, links.viewer);
  assert.equal(await page.getByRole("searchbox").count(), 0);
  await inspect(page, "viewer");
  for (const path of ["/accesses", new URL(kept.record).pathname]) {
    const response = await page.goto(base + path);
    assert.equal(response.status(), 403);
  }
  await page.getByRole("heading", { name: "Your role may not see this" }).waitFor();
  await inspect(page, "forbidden");
  assert.deepEqual(wrong, []);
  await context.close();
});

test("a page is light, and its paint is told", async (t) => {
  const { page, context } = await visitor();
  await signIn(page, links.second);
  await ask(page, story.mrn, "records");
  const weight = await page.evaluate(() => ({
    bytes: performance.getEntriesByType("navigation")[0].decodedBodySize,
    // The icon is asked for twice: it stands in the page, and in the tab.
    assets: [...new Set(performance.getEntriesByType("resource").map((r) => new URL(r.name).pathname.replace(/-[0-9a-f]{12}/, "")))],
    nodes: document.querySelectorAll("*").length,
  }));
  assert.ok(weight.bytes > 10_000 && weight.bytes < 400_000 && weight.nodes < 6_000, JSON.stringify(weight));
  assert.ok(weight.assets.length <= 4 && weight.assets.every((path) => path.startsWith("/assets/")), JSON.stringify(weight.assets));
  const paints = [];
  for (let load = 0; load < 10; load++) {
    await page.reload();
    paints.push(await page.evaluate(() => new Promise((done) => {
      const look = () => {
        const [paint] = performance.getEntriesByName("first-contentful-paint");
        paint ? done(paint.startTime) : setTimeout(look, 20);
      };
      look();
    })));
  }
  const busy = loadavg()[0] / availableParallelism();
  t.diagnostic(`${weight.bytes} bytes, ${weight.nodes} elements; first paint ${paints.map(Math.round).join(", ")} ms at a load of ${busy.toFixed(1)} a core`);
  await context.close();
});

test("on paper there are answers and no controls", async () => {
  const { page } = kept.main;
  await page.goto(kept.record);
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.getByRole("navigation").isVisible(), false);
  assert.equal(await page.getByRole("button", { name: "Sign out" }).isVisible(), false);
  assert.equal(await page.getByRole("heading", { name: "What this answer rests on" }).isVisible(), true);
  const background = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  assert.equal(background, "rgb(255, 255, 255)");
  await page.emulateMedia({ media: null });
});

test("nothing went wrong on the way", () => assert.deepEqual(kept.main.wrong, []));
