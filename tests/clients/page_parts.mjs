// What the pages of browser_test.mjs share: where the suite is, its descriptors, and a comparison.
import {createFileRegistry, fromBinary} from '@bufbuild/protobuf';
import {FileDescriptorSetSchema} from '@bufbuild/protobuf/wkt';

const {baseUrl, tokens} = window.settings;
const bytes = new Uint8Array(await (await fetch('/descriptors')).arrayBuffer());
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
const GOODS = registry.getService('nisi.priority_goods.v1.PriorityGoodsService');
const BEARER = {authorization: `Bearer ${tokens['institute.industry']}`};
const ENTRY = {goodsCode: '850423', nameRu: 'Трансформаторы', sector: 'machinery', processingLevel: 3};

function same(got, expected) {
  const [left, right] = [got, expected].map(each => JSON.stringify(each));
  if (left !== right) throw new Error(`${left}, expected ${right}`);
}

export {BEARER, ENTRY, GOODS, baseUrl, registry, same};
