// Calls by grpc-web, Google's own client for pages, in one of its two formats. The code that its generator would make, a
// descriptor a method with how its messages are written and read, is made here from the descriptors.
import {create, fromBinary, toBinary} from '@bufbuild/protobuf';
import {anyUnpack} from '@bufbuild/protobuf/wkt';
import {GrpcWebClientBase, MethodDescriptor, MethodType, StatusCode} from 'grpc-web';
import {BEARER, ENTRY, GOODS, baseUrl, registry, same} from './page_parts.mjs';

const STATUS = registry.getMessage('google.rpc.Status');
const NOBODY = {authorization: 'Bearer x'};
const SECONDS = 20;

const descriptorOf = ({name, methodKind, input, output}) => new MethodDescriptor(
    `/${GOODS.typeName}/${name}`, methodKind === 'unary' ? MethodType.UNARY : MethodType.SERVER_STREAMING, Object, Object,
    message => toBinary(input, create(input, message)), bytes => fromBinary(output, bytes));

// The details of an error by the names of their types.
function detailsOf(error) {
  const encoded = error.metadata['grpc-status-details-bin'];
  const {code, details} = fromBinary(STATUS, Uint8Array.from(atob(encoded), char => char.charCodeAt(0)));
  same(code, error.code);
  return Object.fromEntries(details.map(any => anyUnpack(any, registry)).map(each => [each.$typeName, each]));
}

async function refused(code, reason, promise) {
  const error = await promise.then(() => null, failed => failed);
  if (error?.metadata === undefined || !('grpc-status-details-bin' in error.metadata)) {
    throw new Error(`no refusal: ${JSON.stringify(error)} ${error}`);
  }
  const details = detailsOf(error);
  same([error.code, details['google.rpc.ErrorInfo'].reason], [code, reason]);
  return details;
}

export async function grpcWebSteps(format) {
  const client = new GrpcWebClientBase({format});
  const descriptors = Object.fromEntries(GOODS.methods.map(method => [method.name, descriptorOf(method)]));
  const urlOf = name => `${baseUrl}/${GOODS.typeName}/${name}`;
  const call = (name, message, headers = BEARER) => client.unaryCall(
      urlOf(name), message, {...headers, deadline: String(Date.now() + SECONDS * 1000)}, descriptors[name]);
  const stream = (name, message, headers = BEARER) => client.serverStreaming(
      urlOf(name), message, headers, descriptors[name]);
  // The messages of a stream that ends by itself.
  const all = (name, message, headers) => new Promise((resolve, reject) => {
    const messages = [];
    const running = stream(name, message, headers);
    running.on('data', each => messages.push(each));
    running.on('error', reject);
    running.on('end', () => resolve(messages));
  });

  let status;
  const edition = await new Promise((resolve, reject) => {
    const request = {edition: {titleRu: 'Перечень'}, requestId: crypto.randomUUID()};
    client.rpcCall(urlOf('CreateEdition'), request, BEARER, descriptors.CreateEdition,
                   (error, answer) => (error ? reject(error) : resolve(answer)))
        .on('status', sent => (status = sent));
  });
  if (!(Number(status.metadata['nisi-position']) > 0)) throw new Error(`no position: ${JSON.stringify(status)}`);
  const parent = edition.name;
  const created = await call('CreateEntry', {parent, entry: ENTRY, requestId: crypto.randomUUID()});
  const {entries} = await call('ListEntries', {parent});
  same(entries.map(each => [each.name, each.nameRu]), [[created.name, ENTRY.nameRu]]);

  const wrong = {parent, entry: {...ENTRY, goodsCode: '7'}, requestId: crypto.randomUUID()};
  const details = await refused(StatusCode.INVALID_ARGUMENT, 'INVALID_FIELD', call('CreateEntry', wrong));
  same(details['google.rpc.BadRequest'].fieldViolations[0].field, 'entry.goods_code');
  await refused(StatusCode.UNAUTHENTICATED, 'TOKEN_INVALID', call('ListEditions', {}, NOBODY));

  const exported = await all('ExportEdition', {name: parent});
  same(exported.map(each => each.name), [created.name]);
  await refused(StatusCode.UNAUTHENTICATED, 'TOKEN_INVALID', all('ExportEdition', {name: parent}, NOBODY));
  // A stream that stays open is for the text: of bytes this client gives nothing before their end.
  if (format === 'binary') return;
  const change = await new Promise((resolve, reject) => {
    const watch = stream('WatchEntries', {parent, startPosition: 1n});
    watch.on('error', reject);
    watch.on('data', ({changes}) => {
      watch.cancel();
      resolve(changes[0]);
    });
  });
  same(change.name, created.name);
}
