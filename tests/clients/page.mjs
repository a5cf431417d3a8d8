// What the page of browser_test.mjs does: the same by each protocol that connect-web speaks, and by Google's client.
import {MethodOptions_IdempotencyLevel} from '@bufbuild/protobuf/wkt';
import {Code, ConnectError, createClient} from '@connectrpc/connect';
import {createConnectTransport, createGrpcWebTransport} from '@connectrpc/connect-web';
import {grpcWebSteps} from './page_grpc_web.mjs';
import {BEARER, ENTRY, GOODS, baseUrl, registry, same} from './page_parts.mjs';

const ERROR_INFO = registry.getMessage('google.rpc.ErrorInfo');
const BAD_REQUEST = registry.getMessage('google.rpc.BadRequest');
GOODS.method.listEntries.idempotency = MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
const INSTITUTE = {headers: BEARER};

async function steps(transport) {
  const goods = createClient(GOODS, transport);
  let position;
  const edition = await goods.createEdition(
      {edition: {titleRu: 'Перечень'}, requestId: crypto.randomUUID()},
      {...INSTITUTE, onTrailer: trailers => (position = Number(trailers.get('nisi-position')))});
  if (!(position > 0)) throw new Error(`no position: ${position}`);
  const parent = edition.name;
  const created = await goods.createEntry({parent, entry: ENTRY, requestId: crypto.randomUUID()}, INSTITUTE);
  const {entries} = await goods.listEntries({parent}, INSTITUTE);
  same(entries.map(each => [each.name, each.nameRu]), [[created.name, ENTRY.nameRu]]);

  const bad = await goods.createEntry(
      {parent, entry: {...ENTRY, goodsCode: '7'}, requestId: crypto.randomUUID()}, INSTITUTE).catch(ConnectError.from);
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

const WAYS = {
  'Connect, JSON': () => steps(createConnectTransport({baseUrl, useBinaryFormat: false})),
  'Connect, bytes': () => steps(createConnectTransport({baseUrl, useBinaryFormat: true})),
  'Connect with GET': () => steps(createConnectTransport({baseUrl, useHttpGet: true})),
  'gRPC-Web': () => steps(createGrpcWebTransport({baseUrl})),
  'gRPC-Web by grpc-web, bytes': () => grpcWebSteps('binary'),
  'gRPC-Web by grpc-web, text': () => grpcWebSteps('text'),
};
const results = {};
for (const [name, run] of Object.entries(WAYS)) {
  results[name] = await run().then(() => '', error => `${error} ${error.stack}`);
}
await fetch('/done', {method: 'POST', body: JSON.stringify(results)});
