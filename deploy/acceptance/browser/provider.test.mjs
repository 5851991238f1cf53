// Signing in with an identity provider that nobody here wrote, on another site: PKCE, cookies that cross sites, roles.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Provider } from "oidc-provider";
import { ask, base, browser, inspect, story } from "./site.mjs";

const issuer = process.env.ISSUER;
let listening;
/** Who the provider knows: what they may do, and where. */
const people = {
  officer: { groups: ["staff", "privacy"], sites: ["*"] }, limited: { groups: ["inquiry"], sites: ["Imaging Center"] }, asked: { groups: ["asked"], sites: ["*"] },
  visitor: { groups: ["staff"] },
};

before(async () => {
  const provider = new Provider(issuer, {
    clients: [{ client_id: "readtrail", client_secret: process.env.CLIENT_SECRET, redirect_uris: [`${base}/sign-in/callback`] }],
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    conformIdTokenClaims: false,
    claims: { openid: ["sub", "groups", "sites"], profile: ["name"] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id.split("-")[0]] }) }),
  });
  await new Promise((ready) => { listening = provider.listen(new URL(issuer).port, "127.0.0.1", ready); });
});
after(async () => {
  await browser.close();
  listening.closeAllConnections();
  listening.close();
});

/** Goes to the provider's site, says who one is, and comes back. */
async function goThrough(account) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const astray = [];
  page.on("console", (m) => { if (m.type() === "error" && page.url().startsWith(base) && !m.text().includes("status of 403")) astray.push(m.text()); });
  // The provider's pages may ask for what they like, and do not get it.
  await context.route((url) => ![base, issuer].includes(url.origin), (route) => route.abort());
  await page.goto(`${base}/sign-in`);
  await page.getByRole("link", { name: "Sign in with localhost" }).click();
  await page.locator("[name=login]").fill(account);
  await page.locator("[name=password]").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL((url) => url.origin === base);
  return { context, page, astray };
}

test("the door offers both ways", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${base}/sign-in`);
  await inspect(page, "sign-in-provider");
  await context.close();
});

test("an officer signs in as the provider calls them", async () => {
  const { context, page, astray } = await goThrough("officer-7");
  await page.waitForURL(`${base}/`);
  await page.getByText("oidc:officer-7").waitFor();
  await page.getByText("privacy officer").waitFor();
  const cookies = (await context.cookies(base)).filter((c) => c.name.startsWith("readtrail-"));
  assert.deepEqual(cookies.map((c) => [c.httpOnly, c.sameSite]), [[true, "Strict"]], "the errand's cookie is left, or the session's is not Strict");
  await page.reload();
  await page.getByText("oidc:officer-7").waitFor();
  assert.deepEqual(astray, []);
  await context.close();
});

test("who has no role is not let in", async () => {
  const { context, page, astray } = await goThrough("visitor-7");
  await page.getByRole("heading", { name: "You have no role here" }).waitFor();
  await page.goto(`${base}/`);
  await page.waitForURL(`${base}/sign-in`);
  assert.deepEqual(astray, []);
  await context.close();
});

test("limits by site stand on the page; under a broken glass it says so, and somebody else reviews it", async () => {
  const { context, page, astray } = await goThrough("limited-7");
  await ask(page, story.mrn, "records");
  await page.getByText("Limited to site Imaging Center").first().waitFor();
  await inspect(page, "record-limited");
  assert.equal(await page.getByText("Answered beyond your limits").count(), 0);
  await page.goto(`${base}/glass`);
  await page.getByLabel("Why can it not wait?").fill("a threat to the patient, and the other site asks for help");
  await page.getByRole("button", { name: "Break the glass" }).click();
  await ask(page, story.mrn, "records");
  await page.getByText("Answered beyond your limits").waitFor();
  assert.equal(await page.getByText("Limited to site").count(), 0);
  await page.goto(`${base}/glass`);
  assert.equal(await page.getByRole("button", { name: "Justified", exact: true }).count(), 0, "an investigator reviews");
  await page.getByRole("button", { name: "I have seen what I needed" }).click();
  assert.deepEqual(astray, []);
  await context.close();

  const officer = await goThrough("officer-7");
  await officer.page.goto(`${base}/status`);
  await officer.page.getByRole("link", { name: "1 broken glass" }).click();
  const broken = officer.page.getByRole("article", { name: "Broken glass of oidc:limited-7" });
  await broken.getByText("Imaging Center").waitFor();
  await broken.getByRole("button", { name: "Justified", exact: true }).click();
  await officer.page.goto(`${base}/glass`);
  await officer.page.getByText("No broken glass here.").waitFor();
  assert.deepEqual(officer.astray, []);
  await officer.context.close();
});

test("a respondent reads what was put to them, answers it, and sees no other page", async () => {
  const { context, page, astray } = await goThrough("asked-7");
  await page.goto(`${base}/questions`);
  await page.getByText("Why did you look?").waitFor();
  await inspect(page, "questions-respondent");
  await page.locator("article textarea[name=text]").fill("I was on call.");
  await page.getByRole("button", { name: "Answer", exact: true }).click();
  await page.getByText("Your answer is journaled.").waitFor();
  await page.getByText("I was on call.").waitFor();
  assert.equal((await page.goto(`${base}/alerts`)).status(), 403);
  await page.getByText("You see the questions that were put to you, and nothing else.").waitFor();
  assert.deepEqual(astray, []);
  await context.close();
});
