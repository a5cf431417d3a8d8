// What the page of browser_test.mjs does: the same by each protocol that connect-web speaks.
import {createFileRegistry, fromBinary} from '@bufbuild/protobuf';
import {FileDescriptorSetSchema, MethodOptions_IdempotencyLevel} from '@bufbuild/protobuf/wkt';
import {Code, ConnectError, createClient} from '@connectrpc/connect';
import {createConnectTransport, createGrpcWebTransport} from '@connectrpc/connect-web';

const {baseUrl, tokens} = window.settings;
const bytes = new Uint8Array(await (await fetch('/descriptors')).arrayBuffer());
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
const GOODS = registry.getService('nisi.priority_goods.v1.PriorityGoodsService');
const ERROR_INFO = registry.getMessage('google.rpc.ErrorInfo');
const BAD_REQUEST = registry.getMessage('google.rpc.BadRequest');
GOODS.method.listEntries.idempotency = MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
const INSTITUTE = {headers: {authorization: `Bearer ${tokens['institute.industry']}`}};
const WAYS = {
  'Connect, JSON': createConnectTransport({baseUrl, useBinaryFormat: false}),
  'Connect, bytes': createConnectTransport({baseUrl, useBinaryFormat: true}),
  'Connect with GET': createConnectTransport({baseUrl, useHttpGet: true}),
  'gRPC-Web': createGrpcWebTransport({baseUrl}),
};

function same(got, expected) {
  const [left, right] = [got, expected].map(each => JSON.stringify(each));
  if (left !== right) throw new Error(`${left}, expected ${right}`);
}

async function steps(transport) {
  const goods = createClient(GOODS, transport);
  let position;
  const edition = await goods.createEdition(
      {edition: {titleRu: 'Перечень'}, requestId: crypto.randomUUID()},
      {...INSTITUTE, onTrailer: trailers => (position = Number(trailers.get('nisi-position')))});
  if (!(position > 0)) throw new Error(`no position: ${position}`);
  const parent = edition.name;
  const entry = {goodsCode: '850423', nameRu: 'Трансформаторы', sector: 'machinery', processingLevel: 3};
  const created = await goods.createEntry({parent, entry, requestId: crypto.randomUUID()}, INSTITUTE);
  const {entries} = await goods.listEntries({parent}, INSTITUTE);
  same(entries.map(each => [each.name, each.nameRu]), [[created.name, 'Трансформаторы']]);

  const bad = await goods.createEntry(
      {parent, entry: {...entry, goodsCode: '7'}, requestId: crypto.randomUUID()}, INSTITUTE).catch(ConnectError.from);
  same([bad.code, bad.findDetails(ERROR_INFO)[0].reason, bad.findDetails(BAD_REQUEST)[0].fieldViolations[0].field],
       [Code.InvalidArgument, 'INVALID_FIELD', 'entry.goods_code']);
  const nobody = await goods.listEditions({}, {headers: {authorization: 'Bearer x'}}).catch(ConnectError.from);
  same([nobody.code, nobody.findDetails(ERROR_INFO)[0].reason], [Code.Unauthenticated, 'TOKEN_INVALID']);

  const seen = [];
  const stop = new AbortController();
  try {
    for await (const {changes} of goods.watchEntries({parent, startPosition: 1n}, {...INSTITUTE, signal: stop.signal})) {
      seen.push(...changes.map(change => change.name));
      stop.abort();
    }
  } catch (error) {
    same(ConnectError.from(error).code, Code.Canceled);
  }
  same(seen, [created.name]);
}

const results = {};
for (const [name, transport] of Object.entries(WAYS)) {
  results[name] = await steps(transport).then(() => '', error => `${error} ${error.stack}`);
}
await fetch('/done', {method: 'POST', body: JSON.stringify(results)});
