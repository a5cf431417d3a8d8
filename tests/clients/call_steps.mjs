// The calls of an edition's life and what can go wrong with a call, by clients made from the .proto files.
import assert from 'node:assert/strict';
import {randomUUID} from 'node:crypto';
import {Connection, TO_GOODS, call, definitions, download, grpc, pause, refused, start, step, until,
        upload} from './harness.mjs';

export const INSTITUTE = {role: 'institute.industry'};
const AUTHORITY = {role: 'authority.industry'};
const AUDITOR = {role: 'auditor'};
const KEEPALIVE_MS = 2000;

export const entryOf = (code, level = 'HIGH') =>
  ({goods_code: code, name_ru: `товар ${code}`, sector: 'machinery', processing_level: level});

export const createEntry = (goods, parent, entry, requestId = randomUUID(), how = INSTITUTE) =>
  call(goods, 'CreateEntry', {parent, entry, request_id: requestId}, how);

export const createEdition = goods =>
  call(goods, 'CreateEdition', {edition: {title_ru: 'Перечень'}, request_id: randomUUID()}, INSTITUTE);

// Every third row is LOW.
function rowsOf(first, count) {
  return Array.from({length: count}, (_, at) => ({
    row_number: at + 1, goods_code: String(first + at), sector: 'machinery', name_ru: 'товар',
    processing_level: at % 3 === 2 ? 'LOW' : 'MEDIUM',
  }));
}

async function write(running, message) {
  if (!running.call.write(message)) await new Promise(resolve => running.call.once('drain', resolve));
}

async function importRows(goods, header, rows, chunk = 100) {
  const running = upload(goods, 'ImportEntries', {...INSTITUTE, timeoutMs: 50_000});
  await write(running, {header: {...header, row_count: rows.length}});
  for (let at = 0; at < rows.length; at += chunk) await write(running, {rows: {rows: rows.slice(at, at + chunk)}});
  running.call.end();
  return (await running.outcome).answer;
}

async function allPages(goods, parent, pageSize, how = {}, filter = '') {
  const pages = [];
  let token = '';
  do {
    const page = await call(goods, 'ListEntries', {parent, page_size: pageSize, page_token: token, filter}, how);
    pages.push(page.entries.map(entry => entry.goods_code));
    token = page.next_page_token;
  } while (token !== '');
  return pages;
}

const codesOf = entries => entries.map(entry => entry.goods_code);

async function verdicts(goods, codes) {
  const answer = await call(goods, 'CheckGoods', {codes});
  return answer.results.map(result => result.verdict);
}

// What a watch said, up to the position it may be resumed after.
export function seenBy(watch) {
  return {names: watch.messages.flatMap(message => message.changes.map(change => change.name)),
          position: Number(watch.messages.at(-1)?.position ?? 0)};
}

async function refusalSteps({goods}, state) {
  await step('a mutation with a token; its position in the trailing metadata', async () => {
    state.edition = await createEdition(goods);
    assert.deepEqual([state.edition.name, state.edition.state], ['editions/1', 'DRAFT']);
    const request = {parent: state.edition.name, entry: entryOf('850423'), request_id: randomUUID()};
    const {answer, trailers} = await start(goods, 'CreateEntry', request, INSTITUTE).outcome;
    assert.equal(answer.name, 'editions/1/entries/850423');
    assert.equal(answer.name_ru, 'товар 850423');
    assert.match(trailers.get('nisi-position')[0], /^[1-9][0-9]*$/);
    const again = await start(goods, 'CreateEntry', request, INSTITUTE).outcome;
    assert.deepEqual(again.answer, answer, 'another answer to the same request id');
  });
  await step('a refusal on legal ground carries one reason and its article', async () => {
    const refusal = await refused('FAILED_PRECONDITION', 'LEVEL_TOO_LOW',
                                  createEntry(goods, state.edition.name, entryOf('0101', 'LOW')));
    assert.deepEqual(refusal.articles, ['Art. 26(1)']);
  });
  await step('a request wrong in form names its fields', async () => {
    const refusal = await refused('INVALID_ARGUMENT', 'INVALID_FIELD',
                                  createEntry(goods, state.edition.name, entryOf('12x'), 'no-uuid'));
    assert.deepEqual(refusal.violations.sort(), ['entry.goods_code', 'request_id']);
  });
  await step('who may not: no token, a token that is none, another role', async () => {
    const attempt = how => createEntry(goods, state.edition.name, entryOf('850424'), randomUUID(), how);
    await refused('UNAUTHENTICATED', 'IDENTITY_REQUIRED', attempt({}));
    await refused('UNAUTHENTICATED', 'TOKEN_INVALID', attempt({token: 'a.b.c'}));
    await refused('PERMISSION_DENIED', 'ACCESS_DENIED', attempt(AUDITOR));
    const forged = {...INSTITUTE, extra: {'nisi-call-context-bin': Buffer.from('forged')}};
    await refused('INVALID_ARGUMENT', 'RESERVED_METADATA', attempt(forged));
  });
}

// Node's HTTP/2 closes the sending side of a stream before it resets it, some milliseconds apart, so a server may see
// the end of an upload that its client gave up. The header says how many rows make the file, so whichever comes first,
// some rows are not taken for the whole. Several attempts, as both orders are to be met.
async function checkBrokenOff(goods, breakOff, timeoutMs = 20_000) {
  const entered = [];
  for (let attempt = 0; attempt < 10; ++attempt) {
    const {name} = await createEdition(goods);
    const running = upload(goods, 'ImportEntries', {...INSTITUTE, timeoutMs});
    running.call.write({header: {parent: name, request_id: randomUUID(), row_count: 200}});
    running.call.write({rows: {rows: rowsOf(860001, 100)}});
    await breakOff(running);
    await pause(100);
    const left = await call(goods, 'ListEntries', {parent: name}, INSTITUTE);
    if (left.entries.length > 0) entered.push(name);
  }
  assert.deepEqual(entered, [], `${entered.length} of 10 uploads were taken for whole`);
}

async function editionSteps({goods}, reflected, state) {
  await step('client streaming: LOW rows are refused with their article, the others enter', async () => {
    const header = {parent: state.edition.name, request_id: randomUUID()};
    const rows = rowsOf(840001, 300);
    const report = await importRows(goods, header, rows);
    assert.deepEqual([report.committed, report.entered_count, report.refused_count, report.invalid_count],
                     [true, 200, 100, 0]);
    assert.deepEqual(report.rows.map(row => row.row_number), rows.map(row => row.row_number));
    const low = report.rows.filter(row => row.outcome === 'REFUSED');
    assert.ok(low.every(row => row.reason === 'LEVEL_TOO_LOW' && row.article === 'Art. 26(1)'));
    assert.deepEqual(report.legal_basis.map(basis => basis.article), ['Art. 26(1)']);
    assert.deepEqual(await importRows(goods, header, rows), report, 'another answer to the same request id');
    state.codes = [...rows.filter(row => row.processing_level !== 'LOW').map(row => row.goods_code), '850423'];
  });
  await step('an upload that is cancelled enters nothing', () => checkBrokenOff(goods, async running => {
    await pause(50);
    running.call.cancel();
    await assert.rejects(running.outcome, {code: 'CANCELLED'});
  }));
  await step('an upload whose deadline runs out enters nothing', () => checkBrokenOff(goods, async running => {
    await assert.rejects(running.outcome, {code: 'DEADLINE_EXCEEDED'});
  }, 150));
  await step('approval: the institute submits, another token approves, it comes into force today', async () => {
    const name = state.edition.name;
    const submitted = await call(goods, 'SubmitEdition', {name, request_id: randomUUID()}, INSTITUTE);
    assert.deepEqual([submitted.state, submitted.entry_count], ['SUBMITTED', state.codes.length]);
    const today = dateOf(process.env.NISI_TODAY);
    const approval = {name, etag: submitted.etag, order_number: '1', order_date: today, effective_from: today,
                      request_id: randomUUID()};
    await refused('PERMISSION_DENIED', 'ACCESS_DENIED', call(goods, 'ApproveEdition', approval, INSTITUTE));
    const approved = await call(goods, 'ApproveEdition', approval, AUTHORITY);
    assert.ok(['APPROVED', 'IN_FORCE'].includes(approved.state), approved.state);
    await until('in force', async () => (await call(goods, 'GetEdition', {name})).state === 'IN_FORCE');
  });
  await step('CheckGoods by both clients: listed, below, not listed', async () => {
    const codes = ['8400010000', '8504230000', '8504', '0101'];
    const expected = ['LISTED', 'LISTED', 'PARTIAL', 'NOT_LISTED'];
    assert.deepEqual(await verdicts(goods, codes), expected);
    assert.deepEqual(await verdicts(reflected, codes), expected);
    const answer = await call(reflected, 'CheckGoods', {codes: ['8504230000']});
    assert.deepEqual([answer.edition, answer.results[0].entry, answer.legal_basis.article],
                     ['editions/1', 'editions/1/entries/850423', 'Art. 26(1)']);
    assert.ok(Number(answer.results[0].entry_position) > 0);
  });
}

function dateOf(text) {
  const [year, month, day] = text.split('-').map(Number);
  return {year, month, day};
}

async function readSteps({goods, journal}, state) {
  await step('server streaming: the export has every entry, in order of code', async () => {
    const exported = download(goods, 'ExportEdition', {name: state.edition.name});
    assert.equal((await exported.ended)?.message, undefined);
    assert.deepEqual(codesOf(exported.messages), [...state.codes].sort());
  });
  await step('pages: all of them together are the list, also filtered', async () => {
    const pages = await allPages(goods, state.edition.name, 70);
    assert.deepEqual(pages.map(page => page.length), [70, 70, 61]);
    assert.deepEqual(pages.flat(), [...state.codes].sort());
    const high = await allPages(goods, state.edition.name, 70, {}, 'processing_level = "HIGH"');
    assert.deepEqual(high, [['850423']]);
    await refused('INVALID_ARGUMENT', 'PAGE_TOKEN_INVALID',
                  call(goods, 'ListEntries', {parent: state.edition.name, page_token: 'made up'}));
  });
  await step('a watch, cancelled and resumed, misses nothing and repeats nothing', () => watchTwice(goods));
  await step('the journal: entries as bytes that are the leaf, watched from the beginning', async () => {
    const how = {...AUDITOR, extra: TO_GOODS};
    const watch = download(journal, 'WatchEntries', {start_position: 1}, how);
    await until('ten journal entries', () => watch.messages.length >= 10);
    watch.cancel();
    const leaves = watch.messages.filter(message => message.event === 'entry').map(
        message => definitions['nisi.journal.v1.Entry'].deserialize(message.entry.leaf));
    assert.deepEqual(leaves.slice(0, 10).map(leaf => Number(leaf.position)), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.match(leaves[0].method, /CreateEdition$/);
    await refused('INVALID_ARGUMENT', 'SERVICE_NOT_NAMED', call(journal, 'GetTreeHead', {}));
  });
}

async function watchTwice(goods) {
  const {name} = await createEdition(goods);
  const codes = ['870110', '870120', '870130', '870140', '870150', '870160'];
  const names = codes.map(code => `${name}/entries/${code}`);
  for (const code of codes.slice(0, 4)) await createEntry(goods, name, entryOf(code));
  const first = download(goods, 'WatchEntries', {parent: name, start_position: 1}, INSTITUTE);
  await until('two changes', () => seenBy(first).names.length >= 2);
  first.cancel();
  assert.equal((await first.ended).code, 'CANCELLED');
  const before = seenBy(first);
  await createEntry(goods, name, entryOf(codes[4]));
  const second = download(goods, 'WatchEntries', {parent: name, start_position: before.position + 1}, INSTITUTE);
  await until('what was left', () => before.names.length + seenBy(second).names.length >= 5);
  await createEntry(goods, name, entryOf(codes[5]));
  await until('what is new', () => before.names.length + seenBy(second).names.length >= 6);
  second.cancel();
  assert.deepEqual([...before.names, ...seenBy(second).names], names);
}

async function healthSteps({health}) {
  const status = service => call(health, 'Check', {service}).then(answer => answer.status);
  await step('health: the gateway, the service behind it by both its names, and one that is not there', async () => {
    for (const name of ['', 'priority-goods', 'nisi.priority_goods.v1.PriorityGoodsService']) {
      assert.equal(await status(name), 'SERVING', name);
    }
    await assert.rejects(status('nowhere'), {code: 'NOT_FOUND'});
  });
}

async function limitSteps(connection, state) {
  const {goods} = connection;
  await step('a deadline ends a stream and is refused when it has passed already', async () => {
    const began = performance.now();
    const watch = download(goods, 'WatchEntries', {start_position: 1}, {timeoutMs: 500});
    assert.equal((await watch.ended).code, 'DEADLINE_EXCEEDED');
    assert.ok(performance.now() - began < 5000);
    await assert.rejects(call(goods, 'CheckGoods', {codes: ['0101']}, {timeoutMs: -1000}), {code: 'DEADLINE_EXCEEDED'});
  });
  await step('a unary call cancelled; its request id settles what became of it', async () => {
    const {name} = await createEdition(goods);
    const request = {parent: name, entry: entryOf('880211'), request_id: randomUUID()};
    const running = start(goods, 'CreateEntry', request, INSTITUTE);
    running.call.cancel();
    await assert.rejects(running.outcome, {code: 'CANCELLED'});
    const settled = await call(goods, 'CreateEntry', request, INSTITUTE);
    assert.deepEqual(await call(goods, 'CreateEntry', request, INSTITUTE), settled);
  });
  await step('a message over 4 MiB is refused, and one that is far over it', async () => {
    const ofBytes = bytes => call(goods, 'CheckGoods', {codes: Array(Math.ceil(bytes / 12)).fill('8400010000')});
    const refusal = await refused('RESOURCE_EXHAUSTED', 'MESSAGE_TOO_LARGE', ofBytes((4 << 20) + 1));
    assert.equal(refusal.about.maxBytes, String(4 << 20));
    await assert.rejects(ofBytes(9 << 20), {code: 'RESOURCE_EXHAUSTED'});
    assert.deepEqual(await verdicts(goods, ['8400010000']), ['LISTED']);
  });
  await step('the most codes that may be asked about: the answer fits what a client takes by default', async () => {
    const answer = await call(goods, 'CheckGoods', {codes: Array(10_000).fill('8400010000')});
    assert.equal(answer.results.filter(result => result.verdict === 'LISTED').length, 10_000);
    const below = await call(goods, 'CheckGoods', {codes: Array(10_000).fill('8400')});
    assert.ok(below.results.every(result => result.verdict === 'PARTIAL'));
    assert.equal(below.results.reduce((sum, result) => sum + result.partial_entries.length, 0), 10_000);
  });
  await step('500 calls, 50 at once over one channel: each has its own right answer', async () => {
    const wrong = await parallelChecks(goods, state.codes, 500, 50);
    assert.deepEqual(wrong, []);
  });
}

// Calls until `total` are done, `wide` of them under way; gives what was not answered as it must be.
async function parallelChecks(goods, codes, total, wide) {
  const wrong = [];
  let next = 0;
  async function worker() {
    while (next < total) {
      const listed = codes[next++ % codes.length];
      const got = await verdicts(goods, [listed, '0101', `${listed}0000`]).catch(error => [String(error)]);
      if (got.join() !== 'LISTED,NOT_LISTED,LISTED') wrong.push([listed, ...got]);
    }
  }
  await Promise.all(Array.from({length: wide}, worker));
  return wrong;
}

// An idle watch of a client that asks often whether the server is there. gRPC's servers break such a connection off
// (too_many_pings) when they have nothing to say in between; the bookmarks are what keeps it.
async function watchWithKeepalive({goods}) {
  const {name} = await createEdition(goods);
  const options = {'grpc.keepalive_time_ms': KEEPALIVE_MS, 'grpc.keepalive_timeout_ms': 5000};
  const pinging = new Connection({options});
  const watch = download(pinging.goods, 'WatchEntries', {parent: name}, {...INSTITUTE, timeoutMs: 60_000});
  let over = false;
  watch.ended.then(() => {
    over = true;
  });
  return {pinging, watch, began: Date.now(), isOver: () => over};
}

async function keepaliveStep(idle) {
  await step('an idle watch with keepalive pings is not broken off', async () => {
    await pause(Math.max(0, idle.began + 5 * KEEPALIVE_MS - Date.now()));
    assert.ok(!idle.isOver(), idle.isOver() && `ended: ${(await idle.watch.ended)?.message}`);
    assert.equal(idle.pinging.channel.getConnectivityState(false), grpc.connectivityState.READY);
    idle.watch.cancel();
    assert.equal((await idle.watch.ended).code, 'CANCELLED');
  });
  idle.pinging.close();
}

async function strangerStep() {
  if (!process.env.NISI_CA) return;
  await step('TLS: a client that does not trust this authority sends nothing, nor does one without TLS', async () => {
    for (const secret of [grpc.credentials.createSsl(), grpc.credentials.createInsecure()]) {
      const stranger = new Connection({secret});
      await assert.rejects(call(stranger.goods, 'CheckGoods', {codes: ['0101']}), {code: 'UNAVAILABLE'});
      stranger.close();
    }
  });
}

export async function callSteps(connection, reflected) {
  const state = {};
  await refusalSteps(connection, state);
  await editionSteps(connection, reflected, state);
  const idle = await watchWithKeepalive(connection);
  await readSteps(connection, state);
  await healthSteps(connection);
  await limitSteps(connection, state);
  await strangerStep();
  await keepaliveStep(idle);
}
