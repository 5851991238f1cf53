// From the queue of alerts to a breach scope, as people do it, on the built binary with a synthetic hospital.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { base, browser, inspect, links, signIn, visitor } from "./site.mjs";

const kept = {};
const key = (page, ...keys) => keys.reduce((so, k) => so.then(() => page.keyboard.press(k)), Promise.resolve());
const focused = (page) => page.evaluate(() => document.activeElement.closest("[data-alert]")?.dataset.alert ?? null);

/** Waits until the detectors have judged the history that was loaded. */
async function judged(page) {
  for (let tries = 0; tries < 60; tries++) {
    await page.goto(`${base}/alerts`);
    if (await page.locator("[data-alert]").count() > 1) return;
    await page.waitForTimeout(1000);
  }
  assert.fail("the demo has no alerts");
}

before(async () => {
  kept.officer = await visitor();
  await signIn(kept.officer.page, links.officer);
});
after(() => browser.close());

test("the queue goes by pseudonyms until somebody says why they ask", async () => {
  const { page } = kept.officer;
  await judged(page);
  const text = await page.locator("#queue").textContent();
  assert.match(text, /reader [A-Z2-7]{8} in record [A-Z2-7]{8}/);
  await inspect(page, "alerts-pseudonyms");
  await page.locator(".names summary").click();
  await page.getByLabel("Why do you ask?").fill("morning triage");
  await page.getByRole("button", { name: "Name them" }).click();
  await page.getByText("People are named for").waitFor();
  assert.doesNotMatch(await page.locator("#queue").textContent(), /reader [A-Z2-7]{8} in record/);
  await inspect(page, "alerts");
  await page.locator("[data-alert] summary").first().click();
  await inspect(page, "alerts-decide");
  await page.goto(`${base}/alerts?show=back`);
  await page.getByText(/^No alerts of this kind:/).waitFor();
  await inspect(page, "alerts-none");
});

test("a decision is taken in place by keys alone, and a page that somebody else has open follows", async () => {
  const { page } = kept.officer;
  const other = await visitor();
  await signIn(other.page, links.colleague);
  await other.page.goto(`${base}/alerts`);
  await page.goto(`${base}/alerts`);
  const all = await page.locator("[data-alert]").count();
  await key(page, "j", "j");
  const second = await focused(page);
  assert.equal(second, await page.locator("[data-alert]").nth(1).getAttribute("data-alert"));
  await key(page, "k");
  const first = await focused(page);
  await key(page, "m");
  assert.equal(await page.evaluate(() => document.activeElement.name), "comment", "the key does not lead to the comment");
  assert.equal(await page.locator(`[data-alert="${first}"] input[value=misuse]`).isChecked(), true);
  await key(page, "Escape");
  assert.equal(await page.locator("details.decide[open]").count(), 0);
  assert.equal(await page.locator("[data-alert]").count(), all, "a key alone decided");
  await key(page, "m");
  await page.keyboard.type("m is a letter here: asked the ward");
  await key(page, "Control+Enter");
  await page.getByText("Journaled: misuse.").waitFor();
  assert.equal(await page.locator(`[data-alert="${first}"]`).count(), 0, "what is judged still waits");
  assert.equal(await focused(page), second, "the focus is not on the alert that follows");
  // The other browser was not touched.
  await other.page.waitForFunction((id) => document.querySelector(`[data-alert="${id}"]`) === null, first, { timeout: 20_000 });
  await other.page.getByText("The queue has changed, 1 gone.").waitFor();
  assert.deepEqual(other.wrong, []);

  // Given back, it comes back there as well; what somebody is writing is not taken away from them.
  await other.page.locator("[data-alert] summary").first().click();
  await other.page.locator("details.decide[open] textarea").fill("half a sentence");
  await page.getByRole("link", { name: "The alert" }).click();
  await page.waitForURL(/\/alerts\/./);
  await page.locator("h1").click();
  await key(page, "r");
  await page.keyboard.type("one more look");
  await key(page, "Control+Enter");
  await page.getByText("Journaled: reopened.").waitFor();
  await other.page.getByRole("button", { name: "Show it" }).waitFor({ timeout: 20_000 });
  assert.equal(await other.page.locator("details.decide[open] textarea").inputValue(), "half a sentence");
  await other.page.getByRole("button", { name: "Show it" }).click();
  await other.page.locator(`[data-alert="${first}"]`).waitFor();

  // Single keys can be turned off.
  await page.goto(`${base}/help`);
  await page.locator("main").getByLabel("Single keys are shortcuts").uncheck();
  await page.goto(`${base}/alerts`);
  await page.locator("[data-alert] a").first().focus();
  await key(page, "m", "j");
  assert.equal(await page.locator("details.decide[open]").count(), 0);
  await page.goto(`${base}/help`);
  await page.locator("main").getByLabel("Single keys are shortcuts").check();

  // The page ends with the session, without being asked.
  const elsewhere = await other.context.newPage();
  await elsewhere.goto(`${base}/help`);
  await elsewhere.getByRole("button", { name: "Sign out" }).click();
  await other.page.getByText("Your session has ended").waitFor({ timeout: 20_000 });
  await other.context.close();
});

test("an alert, who viewed its record, its scope, and the scope as files", async () => {
  const { page } = kept.officer;
  await page.goto(`${base}/alerts`);
  await key(page, "j", "Enter");
  await page.waitForURL(/\/alerts\/./);
  for (const heading of ["What happened", "Why it is unusual", "What is usual", "What would have made it normal", "Where it stands", "The reader's day", "What it rests on", "What people decided"]) {
    await page.getByRole("heading", { name: heading }).waitFor();
  }
  await inspect(page, "alert");
  const note = page.url();
  // Every access that the alert rests on is drawn, and no more of them.
  const drawn = await page.locator(".time").first().locator("rect.cited").count();
  const rows = await page.locator("td[data-label=Event]").count();
  assert.ok(drawn > 0 && drawn <= rows, `${drawn} of ${rows} accesses are drawn`);

  await page.getByRole("link", { name: "Who viewed this record?" }).first().focus();
  await key(page, "Enter");
  await page.waitForURL(/\/records\//);
  await page.locator("td[data-label=Reason]").first().waitFor();
  await page.getByText("with a known reason").waitFor();
  await inspect(page, "record-reasons");
  const stated = Number(/(\d+) without one/.exec((await page.locator(".stats").textContent()).replace(/\s+/g, " "))[1]);
  await page.getByText("Filters, period and time zone").click();
  await page.getByLabel("Reason", { exact: true }).selectOption("none found");
  await page.getByRole("button", { name: "Ask again" }).press("Enter");
  await page.getByText("Only the accesses that match the filter are listed and counted").first().waitFor();
  await inspect(page, "record-narrowed");
  const reasons = await page.locator("td[data-label=Reason]").allTextContents();
  assert.ok(stated > 0 && reasons.length === stated && reasons.every((text) => text === "no reason found"), `${reasons.length} of ${stated}`);

  await page.goto(note);
  await page.getByRole("link", { name: "Breach scope of this reader" }).focus();
  await key(page, "Enter");
  await page.waitForURL(/\/scope\//);
  await inspect(page, "scope");
  const counts = await page.evaluate(() => {
    const n = (text) => Number(text.replace(/\D/g, "") || 0);
    const column = (name) => [...document.querySelectorAll(`section[aria-labelledby=pl] td[data-label=${name}]`)].reduce((sum, cell) => sum + n(cell.textContent), 0);
    const [reports, accesses, second, failed, incidental, patientless] = document.querySelector(".sum").textContent.split(/[=+]/).map(n);
    return { reports, parts: accesses + second + failed + incidental + patientless, byPlace: column("Reports"), patients: column("Patients"),
      stated: n(document.querySelector(".stats b").textContent) };
  });
  assert.ok(counts.reports > 0 && counts.reports === counts.parts && counts.reports === counts.byPlace, JSON.stringify(counts));
  assert.equal(counts.patients, counts.stated, "a patient has no jurisdiction, or two");
  await page.getByText("Reasons, of all but second reports:").waitFor();
  kept.scope = { url: page.url(), reports: counts.reports };

  const save = async (name) => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name }).press("Enter")]);
    const chunks = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk);
    return { name: download.suggestedFilename(), text: Buffer.concat(chunks).toString() };
  };
  const csv = await save("CSV");
  assert.match(csv.name, /^scope-\d+\.csv$/);
  const ndjson = await save("JSON lines");
  assert.equal(ndjson.text.trim().split("\n").map((line) => JSON.parse(line)).length, counts.reports);
  const bundle = JSON.parse((await save("FHIR Bundle")).text);
  assert.deepEqual([bundle.resourceType, bundle.type, bundle.entry.length], ["Bundle", "collection", counts.reports]);

  await page.getByRole("link", { name: "Page to print" }).click();
  await page.waitForURL(/\/print$/);
  assert.equal(await page.locator("td[data-label=Patient]").count(), counts.stated, "the page to print lacks patients");
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.getByRole("button", { name: "Freeze" }).isVisible(), false);
  await page.emulateMedia({ media: null });
});

test("a scope is counted, frozen, computed again and compared", async () => {
  const { page } = kept.officer;
  await page.goto(`${base}/scope`);
  await inspect(page, "scope-form");
  await page.locator("#sc-reader").fill("no-such-reader-7");
  await page.getByLabel("Why do you ask?").fill("breach 7");
  await page.locator("#sc-workstation").focus();
  await page.locator("#counted").getByText("0 patients, 0 events").waitFor();
  await page.goto(kept.scope.url);
  await page.getByRole("button", { name: "Freeze" }).press("Enter");
  await page.getByText("The same.").waitFor();
  await inspect(page, "frozen");
  const frozen = page.url();
  await page.goto(`${base}/scope`);
  await page.getByRole("button", { name: "Which scopes were frozen?" }).click();
  await page.getByLabel("Purpose").fill("hearing");
  await page.getByRole("button", { name: "Show the answer" }).click();
  await page.getByRole("heading", { name: "Which scopes were frozen?", level: 1 }).waitFor();
  await inspect(page, "frozen-list");
  await page.locator("td[data-label=Position] a").first().click();
  await page.waitForURL(frozen);
  await page.getByRole("link", { name: "What has changed since?" }).click();
  await page.getByRole("heading", { name: "The two runs" }).waitFor();
  await inspect(page, "compare");
});

test("an access report names staff as it is told to", async () => {
  const { page } = kept.officer;
  await page.goto(`${base}/report`);
  await inspect(page, "report-form");
  await page.goto(`${base}/alerts`);
  await page.locator("[data-alert] a").first().click();
  await page.waitForURL(/\/alerts\/./);
  await page.getByRole("link", { name: "Who viewed this record?" }).first().click();
  await page.getByRole("link", { name: "Access report for the patient" }).click();
  await page.waitForURL(/\/report\/./);
  const named = () => page.locator("td[data-label=Who] > bdi").allTextContents();
  assert.deepEqual(await named(), [], "staff are named though nobody asked for it");
  await inspect(page, "report");
  await page.getByText("Other names or another period").click();
  await page.getByLabel("With a code for each person").check();
  await page.getByRole("button", { name: "Make the report" }).click();
  await page.locator("td[data-label=Who] > bdi").first().waitFor();
  for (const who of await named()) assert.match(who, /^Person /);
});

test("a case, from an alert to its closing, by the keyboard", async () => {
  const { page } = kept.officer;
  await page.goto(`${base}/alerts?show=all`);
  await page.locator("[data-alert] td.what a").first().click();
  await page.waitForURL(/\/alerts\/./);
  await page.getByText("Open a case").focus();
  await key(page, "Enter");
  await inspect(page, "alert-case");
  await page.getByLabel("Title").fill("Reads <b>after</b> the visit");
  await page.getByRole("button", { name: "Open the case" }).press("Enter");
  await page.waitForURL(/\/cases\/./);
  await page.getByText("owed unless assessed otherwise").waitFor();
  const write = async (form, button, fill) => {
    await page.getByText(form, { exact: true }).focus();
    await key(page, "Enter");
    await fill();
    await page.getByRole("button", { name: button, exact: true }).press("Enter");
    await page.getByText("Journaled.").waitFor();
  };
  await write("Write a note", "Write it", () => page.getByLabel("Note", { exact: true }).fill("The roster comes tomorrow."));
  await write("Put a question", "Put it", async () => {
    await page.getByLabel("Who it is").fill("The reader");
    await page.getByLabel("Question", { exact: true }).fill("Why did you open it?");
  });
  await write("Set an answer down", "Set it down", () => page.getByLabel("What was stated").fill("By mistake."));
  await page.getByText("Close it", { exact: true }).click();
  await page.getByRole("button", { name: "Close the case" }).press("Enter");
  await page.getByText("Nothing was written: whether this is a breach is not assessed").waitFor();
  await write("Assess it", "Journal the assessment", async () => {
    for (const n of [1, 2, 3, 4]) {
      await page.locator(`#risk-${n}`).selectOption("low");
      await page.locator(`#factor-${n}`).fill("Names alone.");
    }
    await page.getByLabel("Conclusion").selectOption("low probability of compromise");
    await page.getByLabel("Reasons").fill("The reader closed it at once.");
  });
  await page.getByText("The assessment owes no notice.").waitFor();
  await write("Conclude it", "Conclude", async () => {
    await page.getByLabel("appropriate").check();
    await page.getByLabel("What was found, and what follows").fill("A mistake; nothing follows.");
  });
  for (const summary of await page.locator("[aria-labelledby=wo] summary").all()) await summary.click();
  await inspect(page, "case");
  await page.getByRole("link", { name: "Breach scope of this case" }).click();
  await page.waitForURL(/\/scope\/./);
  await page.goBack();
  await write("Close it", "Close the case", () => {});
  await inspect(page, "case-closed");
  await page.goto(`${base}/cases?show=closed`);
  await page.getByRole("link", { name: "Reads <b>after</b> the visit" }).waitFor();
  await inspect(page, "cases");
});

test("nothing went wrong on the way", () => assert.deepEqual(kept.officer.wrong, []));
