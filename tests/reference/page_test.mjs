// The reference page as a person has it. Told by page_test.py in the environment: where the suite is, and whose tokens there are.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';

const {NISI_URL: url, NISI_PACKAGES: folder, NISI_BROWSER: executablePath, NISI_BIN: bin, NISI_CA: ca, NISI_WORK: work} = process.env;
const tokens = JSON.parse(process.env.NISI_TOKENS);
const require = createRequire(join(folder, 'package.json'));
const {chromium} = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const GOODS = `${url}/reference/#/PriorityGoodsService`;
const KAZAKH = 'Өңделген тауарлардың тізімі: қазақша, ғұмыр';
const RUSSIAN = 'Перечень приоритетных товаров';

const browser = await chromium.launch({executablePath, args: ['--no-sandbox', '--disable-gpu']});
const wrong = [];  // what the browser complained of

// One page for all steps: to begin a new one takes longer than to load ours anew. Where it was before, nothing is kept.
const context = await browser.newContext({viewport: {width: 1400, height: 900}, ignoreHTTPSErrors: Boolean(ca),
  permissions: ['clipboard-read', 'clipboard-write']});
const page = await context.newPage();
page.on('request', (request) => { if (!request.url().startsWith(`${url}/`)) wrong.push(`asks ${request.url()}`); });
page.on('pageerror', (error) => wrong.push(error.message));
page.on('console', (message) => {
  // A refusal is an answer: the browser notes its status, and there is nothing else to note.
  if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) wrong.push(message.text());
});
await page.addInitScript(() => addEventListener('securitypolicyviolation', (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)));

async function goTo(address) {
  await page.goto(address);
  await page.waitForSelector('h1');
}

async function signIn(role) {
  await page.click('#who');
  await page.fill('#token', tokens[role]);
  await page.click('#session button[type=submit]');
}

async function send() {
  await page.click('.send .main');
  await page.waitForSelector('.send .main:not([aria-busy])');
  return page.locator('.answer .status strong').textContent();
}

const answered = async () => JSON.parse(await page.locator('.answer pre.json').first().textContent());
const found = () => page.locator('#list .methods a .name').evaluateAll((names) => names.map((name) => name.firstChild.textContent));

async function writeJson(value) {
  await page.click('.switch button:text-is("JSON")');
  await page.fill('#json', JSON.stringify(value));
}

// What a button copies of the call, as a shell does it.
async function commandBy(name) {
  await page.click(`.commands .switch button:text-is("${name}")`);
  await page.click('.commands button:text-is("Copy")');
  const text = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(text, await page.locator('.command').textContent());
  return text;
}

function typed(text, role) {
  const environment = {...process.env, PATH: `${bin}:${process.env.PATH}`, NISI_TOKEN: role ? tokens[role] : '', CURL_CA_BUNDLE: ca};
  const out = execFileSync('bash', ['-c', text.startsWith('nisi') ? `${text} --format json` : `${text} --silent --show-error`],
    {env: environment, encoding: 'utf8', cwd: ca ? join(ca, '..') : work});
  return JSON.parse(out);
}

const steps = {
  async 'comes whole from its own server, under its policy'() {
    const seen = [];
    page.on('response', (response) => seen.push(response));
    await goTo(`${url}/`);
    assert.equal(await page.locator('h1').textContent(), 'National Information System of Industry');
    assert.equal(new URL(page.url()).pathname, '/reference/');
    assert.ok(seen.some((each) => each.url().endsWith('/openapi.json')));
    for (const response of seen) {
      const headers = await response.allHeaders();
      assert.match(headers['content-security-policy'], /default-src 'none'/, response.url());
      assert.equal(headers['x-content-type-options'], 'nosniff', response.url());
    }
    // The policy holds: what it does not allow is stopped and told of.
    const before = wrong.length;
    await page.evaluate(() => document.body.append(Object.assign(document.createElement('img'), {src: 'https://outside.invalid/a.png'})));
    await page.waitForFunction(() => document.images[document.images.length - 1].complete);
    assert.ok(wrong.slice(before).some((each) => each.includes('policy: img-src')), JSON.stringify(wrong));
    wrong.length = before;
  },

  async 'finds methods by name, field, reason and role'() {
    await goTo(`${url}/reference/`);
    const all = Number((await page.locator('#found').textContent()).split(' ')[0]);
    assert.ok(all > 400, String(all));
    await page.keyboard.press('/');
    await page.keyboard.type('check goods');
    assert.equal((await found())[0], 'CheckGoods');
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1:text-is("CheckGoods")');
    assert.ok((await page.locator('#list [aria-current]').textContent()).includes('CheckGoods'));
    await page.fill('#search', 'LEVEL_TOO_LOW');
    assert.ok((await found()).includes('CreateEntry'));
    await page.fill('#search', 'technologicalComplexity');
    assert.ok((await found()).includes('CreateAssessment'));
    await page.fill('#search', 'no such thing at all');
    assert.deepEqual(await found(), []);
    await page.fill('#search', '');
    await page.selectOption('#role', 'operator');
    const theirs = Number((await page.locator('#found').textContent()).split(' ')[0]);
    assert.ok(theirs > 0 && theirs < all);
    await page.selectOption('#role', '');
    await page.focus('#search');
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'SUMMARY');
  },

  async 'shows the fields of a method, what lies in them, and its reasons'() {
    await goTo(`${GOODS}/CreateEntry`);
    const request = page.locator('table.fields').first();
    assert.equal(await request.locator('code:text-is("goodsCode")').count(), 0);
    await request.locator('button.opener').first().click();
    assert.equal(await request.locator('code:text-is("goodsCode")').count(), 1);
    assert.equal(await request.locator('code:text-is("updateTime")').count(), 0, 'what the system sets is not sent');
    await request.locator('button.opener').first().click();
    assert.equal(await request.locator('code:text-is("goodsCode")').count(), 0);
    const row = page.locator('table.reasons tr', {hasText: 'LEVEL_TOO_LOW'}).first();
    assert.match(await row.textContent(), /failed_precondition 400.*Art\. 26\(1\)/);
  },

  async 'calls what everybody may call, and copies it'() {
    await goTo(`${GOODS}/CheckGoods`);
    assert.equal(await send(), '200 done');
    const answer = await answered();
    assert.equal(answer.results[0].reason, 'NO_EDITION_IN_FORCE');
    for (const name of ['curl', 'nisi']) assert.deepEqual(typed(await commandBy(name), ''), answer, name);
    const link = await commandBy('link');
    assert.deepEqual(typed(`curl '${link}'`, ''), answer);
  },

  async 'makes a request id, and a new one for the next change'() {
    await goTo(`${GOODS}/CreateEdition`);
    assert.match(await page.locator('.notice').textContent(), /Sign in first/);
    assert.equal(await send(), '401 unauthenticated');
    assert.equal(await page.locator('.refusal .reason').textContent(), 'IDENTITY_REQUIRED');
    await signIn('auditor');
    assert.match(await page.locator('.notice').textContent(), /none of the roles/);
    assert.equal(await send(), '403 permission_denied');
    await signIn('institute.industry');
    const id = page.locator('.field:has(label:text-is("requestId")) input');
    await page.fill('.field:has(label:text-is("titleKk")) input', KAZAKH);
    await page.fill('.field:has(label:text-is("titleRu")) input', `${RUSSIAN} 'в кавычках'`);
    assert.equal(await send(), '200 done');
    const first = await id.inputValue();
    const answer = await answered();
    assert.equal(answer.titleKk, KAZAKH);
    // The same call, by its request id: the same edition.
    for (const name of ['curl', 'nisi']) assert.deepEqual(typed(await commandBy(name), 'institute.industry'), answer, name);
    assert.equal(await send(), '200 done');
    assert.notEqual(await id.inputValue(), first);
    assert.notEqual((await answered()).name, answer.name);
  },

  async 'shows why a request is refused'() {
    await goTo(`${GOODS}/CreateEntry`);
    await signIn('institute.industry');
    await page.fill('.field:has(label:text-is("goodsCode")) input', '123');
    await page.fill('.field:has(label:text-is("nameRu")) input', RUSSIAN);
    assert.equal(await send(), '400 invalid_argument');
    assert.match(await page.locator('.refusal').textContent(), /INVALID_FIELD.*entry\.goods_code has 3 digits/s);
    await page.fill('.field:has(label:text-is("goodsCode")) input', '850423');
    await page.selectOption('.field:has(label:text-is("processingLevel")) select', 'LOW');
    assert.equal(await send(), '400 failed_precondition');
    const told = await page.locator('.refusal').textContent();
    assert.match(told, /LEVEL_TOO_LOW/);
    assert.match(told, /Art\. 26\(1\).*Law of the Republic of Kazakhstan/s);
    assert.match(told, /To quote\s*[0-9a-f]{32}/);
    await page.selectOption('.field:has(label:text-is("processingLevel")) select', 'HIGH');
    assert.equal(await send(), '200 done');
    assert.equal((await answered()).nameRu, RUSSIAN);
  },

  async 'takes a request as JSON and says what is wrong with it'() {
    await goTo(`${GOODS}/CheckGoods`);
    await page.click('.switch button:text-is("JSON")');
    await page.fill('#json', '{"codes": ["0101"');
    assert.notEqual(await page.locator('#json-problem').textContent(), '');
    await page.fill('#json', '{"codes": ["0101", "0102"], "onDate": {"year": 2026, "month": 2, "day": 3}}');
    assert.equal(await page.locator('#json-problem').textContent(), '');
    assert.equal(await send(), '200 done');
    assert.equal((await answered()).results.length, 2);
    await page.click('.switch button:text-is("Form")');
    assert.equal(await page.locator('input[type=date]').inputValue(), '2026-02-03');
  },

  async 'reads a stream as it comes, and stops it'() {
    await goTo(`${GOODS}/ExportEdition`);
    await signIn('institute.industry');
    assert.equal(await send(), '200 done');
    assert.equal((await answered()).goodsCode, '850423');
    await goTo(`${GOODS}/WatchEntries`);
    await signIn('institute.industry');
    await writeJson({startPosition: '1'});
    await page.click('.send .main');
    await page.waitForSelector('.answer details pre.json');
    await page.click('.answer .status button:text-is("Stop")');
    await page.waitForSelector('.send .main:not([aria-busy])');
    assert.match(await page.locator('.answer .status').textContent(), /^Stopped/);
  },

  async 'sends a stream'() {
    await goTo(`${GOODS}/ImportEntries`);
    await signIn('institute.industry');
    const requestId = crypto.randomUUID();
    await page.fill('#json', JSON.stringify([{header: {parent: 'editions/1', requestId, rowCount: 1}},
      {rows: {rows: [{rowNumber: 1, goodsCode: '9401', sector: 'furniture', processingLevel: 'HIGH', nameRu: RUSSIAN}]}}]));
    assert.equal(await send(), '200 done');
    assert.equal((await answered()).enteredCount, 1);
  },

  async 'asks a service that every process has'() {
    await goTo(`${url}/reference/#/JournalService/GetTreeHead`);
    await page.selectOption('#process', 'priority-goods');
    assert.equal(await send(), '200 done');
    const answer = await answered();
    assert.ok(Number(answer.treeSize) > 0);
    for (const name of ['curl', 'nisi']) assert.equal(typed(await commandBy(name), '').treeSize, answer.treeSize, name);
  },

  async 'keeps the token in memory alone'() {
    await goTo(`${GOODS}/CheckGoods`);
    await signIn('auditor');
    assert.match(await page.locator('#who').textContent(), /auditor/);
    assert.equal(await send(), '200 done');
    const kept = await page.evaluate(async () => [Object.keys(localStorage), Object.keys(sessionStorage), document.cookie,
      await indexedDB.databases(), await caches.keys()].flat().filter(Boolean));
    assert.deepEqual(kept, []);
    assert.ok(!(await commandBy('curl')).includes(tokens.auditor));
    await page.reload();
    await page.waitForSelector('h1');
    assert.equal(await page.locator('#who').textContent(), 'Sign in');
  },

  async 'can be read by all: light, dark, on a phone'() {
    if (ca) return;  // the same page, however it came
    for (const options of [{}, {colorScheme: 'dark'}, {viewport: {width: 360, height: 740}}]) {
      await page.emulateMedia({colorScheme: options.colorScheme ?? 'light'});
      if (options.viewport) await page.setViewportSize(options.viewport);
      for (const place of ['#/', '#/SuppliersService', '#/PriorityGoodsService/CheckGoods', '#/ExportRefundsService/CreateClaim']) {
        await goTo(`${url}/reference/${place}`);
        if (place.endsWith('CheckGoods')) await send();
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${place} is ${wide} wider than ${JSON.stringify(options)}`);
        if (!await page.evaluate(() => 'axe' in globalThis)) await page.evaluate(axe);
        // The list of methods is beside every page the same: it is looked at with the first. What is right is counted, not
        // described, which takes longer than to find it.
        const {violations, passed} = await page.evaluate(async (whole) => {
          const told = await globalThis.axe.run(whole ? document : {exclude: '#list'}, {resultTypes: ['violations']});
          return {violations: told.violations.map(({id, nodes}) => [id, nodes[0].html]), passed: told.passes.length};
        }, place === '#/');
        assert.ok(passed > 10);
        assert.deepEqual(violations, [], `${place} ${JSON.stringify(options)}`);
      }
      if (options.viewport) {
        await page.click('#menu');
        await page.fill('#search', 'check goods');
        await page.click('#list .methods a');
        await page.waitForSelector('h1:text-is("CheckGoods")');
        assert.ok(!await page.locator('#side').isVisible());
      }
    }
  },
};

let passed = 0;
let failed = 0;
for (const [name, step] of Object.entries(steps)) {
  if (process.env.NISI_STEP && !name.includes(process.env.NISI_STEP)) continue;
  try {
    await step();
    assert.deepEqual(wrong, []);
    console.log(`ok: ${name}`);
    ++passed;
  } catch (error) {
    console.log(`FAILED: ${name}: ${error.stack}`);
    ++failed;
  }
  wrong.length = 0;
  await page.goto('about:blank');
}
await browser.close();
console.log(`reference page: ${passed} passed, ${failed} failed`);
process.exitCode = passed && !failed ? 0 : 1;
