// The suite called by @connectrpc/connect-node, a client nobody here wrote, by each protocol and version of HTTP that
// it speaks, as a program and as a page; then by `buf curl`. run_client_test.py starts both.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {randomUUID} from 'node:crypto';
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {finish, packages, step} from './harness.mjs';

const {createFileRegistry, fromBinary} = packages('@bufbuild/protobuf');
const {FileDescriptorSetSchema, MethodOptions_IdempotencyLevel} = packages('@bufbuild/protobuf/wkt');
const {Code, ConnectError, createClient} = packages('@connectrpc/connect');
const {createConnectTransport, createGrpcTransport, createGrpcWebTransport} = packages('@connectrpc/connect-node');
const web = packages('@connectrpc/connect-web');

const TOKENS = JSON.parse(process.env.NISI_TOKENS);
const CA = process.env.NISI_CA;
const registry = createFileRegistry(
    fromBinary(FileDescriptorSetSchema, readFileSync(process.env.NISI_DESCRIPTORS)));
const GOODS = registry.getService('nisi.priority_goods.v1.PriorityGoodsService');
const ERROR_INFO = registry.getMessage('google.rpc.ErrorInfo');
const BAD_REQUEST = registry.getMessage('google.rpc.BadRequest');
// What the suite takes by GET is what changes nothing; the client asks the descriptor.
GOODS.method.listEntries.idempotency = MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;

const how = (httpVersion, more = {}) => ({baseUrl: `${CA ? 'https' : 'http'}://${process.env.NISI_ADDRESS}`, httpVersion,
                                          nodeOptions: CA ? {ca: readFileSync(CA)} : {}, ...more});
const WAYS = {
  'Connect, JSON, HTTP/1.1': [createConnectTransport(how('1.1', {useBinaryFormat: false})), {}],
  'Connect, bytes, HTTP/1.1': [createConnectTransport(how('1.1', {useBinaryFormat: true})), {}],
  'Connect, JSON, HTTP/2': [createConnectTransport(how('2', {useBinaryFormat: false})), {uploads: true}],
  'Connect, bytes, HTTP/2': [createConnectTransport(how('2', {useBinaryFormat: true})), {uploads: true}],
  'Connect, JSON and GET, HTTP/1.1': [createConnectTransport(how('1.1', {useBinaryFormat: false, useHttpGet: true})), {}],
  'Connect, bytes and GET, HTTP/2': [createConnectTransport(how('2', {useBinaryFormat: true, useHttpGet: true})),
                                     {uploads: true}],
  'gRPC-Web, HTTP/1.1': [createGrpcWebTransport(how('1.1')), {}],
  'gRPC-Web, HTTP/2': [createGrpcWebTransport(how('2')), {}],
  'gRPC, HTTP/2': [createGrpcTransport(how('2')), {uploads: true}],
};
if (!CA) {  // fetch of node knows no authority of ours
  WAYS['Connect as a page'] = [web.createConnectTransport(how('1.1')), {}];
  WAYS['Connect with GET as a page'] = [web.createConnectTransport(how('1.1', {useHttpGet: true})), {}];
  WAYS['gRPC-Web as a page'] = [web.createGrpcWebTransport(how('1.1')), {}];
}

const as = role => ({headers: {authorization: `Bearer ${TOKENS[role]}`}});
const INSTITUTE = as('institute.industry');
const entryOf = code => ({goodsCode: code, nameRu: `товар ${code}`, sector: 'machinery', processingLevel: 3});

async function refused(code, reason, promise) {
  const error = await promise.then(() => assert.fail('not refused'), ConnectError.from);
  assert.equal(Code[error.code], Code[code], String(error));
  const [info, ...more] = error.findDetails(ERROR_INFO);
  assert.deepEqual([info?.reason, more], [reason, []], String(error));
  return error;
}

async function* importOf(parent, codes) {
  yield {content: {case: 'header', value: {parent, requestId: randomUUID(), rowCount: codes.length}}};
  for (const [at, goodsCode] of codes.entries()) {
    const row = {rowNumber: at + 1, goodsCode, nameRu: 'товар', sector: 'machinery', processingLevel: 'HIGH'};
    yield {content: {case: 'rows', value: {rows: [row]}}};
  }
}

const answers = {};  // of each way, to be the same

for (const [name, [transport, {uploads = false}]] of Object.entries(WAYS)) {
  const goods = createClient(GOODS, transport);
  await step(name, async () => {
    let trailers;
    const edition = await goods.createEdition({edition: {titleRu: 'Перечень'}, requestId: randomUUID()},
                                              {...INSTITUTE, onTrailer: sent => (trailers = sent)});
    assert.ok(BigInt(trailers.get('nisi-position')) > 0n);
    const parent = edition.name;
    const entry = await goods.createEntry({parent, entry: entryOf('850423'), requestId: randomUUID()}, INSTITUTE);
    assert.equal(entry.nameRu, 'товар 850423');
    const {entries} = await goods.listEntries({parent}, INSTITUTE);
    assert.deepEqual(entries, [entry]);

    const bad = await refused(Code.InvalidArgument, 'INVALID_FIELD', goods.createEntry(
        {parent, entry: entryOf('7'), requestId: randomUUID()}, INSTITUTE));
    assert.equal(bad.findDetails(BAD_REQUEST)[0].fieldViolations[0].field, 'entry.goods_code');
    await refused(Code.Unauthenticated, 'IDENTITY_REQUIRED', goods.createEntry({parent}));
    await refused(Code.PermissionDenied, 'ACCESS_DENIED', goods.createEntry({parent}, as('auditor')));
    await refused(Code.NotFound, 'NOT_FOUND', goods.getEdition({name: 'editions/9999'}, INSTITUTE));
    await refused(Code.InvalidArgument, 'FILTER_INVALID', goods.listEntries({parent, filter: '('}, INSTITUTE));

    const seen = [];
    const stop = new AbortController();
    await assert.rejects(async () => {
      const options = {...INSTITUTE, signal: stop.signal, timeoutMs: 20_000};
      for await (const {changes} of goods.watchEntries({parent, startPosition: 1n}, options)) {
        seen.push(...changes);
        stop.abort();
      }
    }, error => ConnectError.from(error).code === Code.Canceled);
    assert.deepEqual(seen.map(change => change.entry.name), [entry.name]);
    await refused(Code.Unauthenticated, 'TOKEN_INVALID', (async () => {
      for await (const _ of goods.watchEntries({parent}, {headers: {authorization: 'Bearer x'}}));
    })());
    // By either clock, the client's or the suite's.
    await assert.rejects((async () => {
      for await (const _ of goods.watchEntries({parent}, {...INSTITUTE, timeoutMs: 100}));
    })(), error => ConnectError.from(error).code === Code.DeadlineExceeded);

    if (uploads) {
      const codes = Array.from({length: 150}, (_, at) => String(850500 + at));
      const report = await goods.importEntries(importOf(parent, codes), INSTITUTE);
      assert.equal(report.committed, true);
      const all = await goods.listEntries({parent, pageSize: 1000}, INSTITUTE);
      assert.equal(all.entries.length, 151);
    }
    const check = await goods.checkGoods({codes: ['850423', '010121']});
    answers[name] = check.results.map(result => [result.code, result.verdict]);
    assert.deepEqual(answers[name], Object.values(answers)[0]);
  });
}

// Code and output of `buf curl` for these codes.
function bufCurl(protocol, codes) {
  const buf = path.join(process.env.NISI_PACKAGES, 'node_modules', '.bin', 'buf');
  const plain = protocol === 'grpc' ? ['--http2-prior-knowledge'] : [];
  const args = ['curl', '--schema', process.env.NISI_PROTO, '--protocol', protocol, ...(CA ? ['--cacert', CA] : plain),
                '--data', JSON.stringify({codes}), `${how().baseUrl}/${GOODS.typeName}/CheckGoods`];
  const {status, stdout, stderr} = spawnSync(buf, args, {encoding: 'utf8', timeout: 60_000});
  return [status, stdout || stderr];
}

for (const protocol of ['connect', 'grpc', 'grpcweb']) {
  await step(`buf curl, ${protocol}`, async () => {
    const [good, answer] = bufCurl(protocol, ['850423']);
    assert.equal(good, 0, answer);
    assert.equal(JSON.parse(answer).results[0].code, '850423');
    const [bad, error] = bufCurl(protocol, ['x']);
    assert.equal(bad, 8 * Code.InvalidArgument, error);
    assert.equal(JSON.parse(error).code, 'invalid_argument');
  });
}
finish('connect-node');
