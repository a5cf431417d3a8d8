// Holds manifests against the schemas of their API, without a server: values by the validators made from the published
// OpenAPI, fields that do not exist by the types made from it.
//
//   node schemas.mjs FILE     FILE: a JSON list of objects; NISI_PACKAGES: the folder of the packages
//
// Prints a finding a line, "KIND NAME: what"; exit code 1 when there are any.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const packages = process.env.NISI_PACKAGES;
const require = createRequire(path.join(packages, "of-the-test.js"));
const ts = require("typescript");

// Where the models of a group are.
const MODELS = {
  "cert-manager.io": "@kubernetes-models/cert-manager",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
};

function moduleOf({ apiVersion, kind }) {
  const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
  return `${MODELS[group] ?? "kubernetes-models"}/${apiVersion}/${kind}`;
}

const nameOf = (object) => `${object.kind} ${object.metadata?.name}`;

// What an ES module of a package is, for a script that lies outside of their folder.
async function load(name) {
  const [scope, rest] = name.startsWith("@") ? [name.split("/").slice(0, 2), 2] : [[name.split("/")[0]], 1];
  const folder = path.join(packages, "node_modules", ...scope, ...name.split("/").slice(rest));
  for (const end of [".mjs", ".js"]) {
    try {
      return await import(pathToFileURL(folder + end));
    } catch (error) {
      if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    }
  }
  return undefined;
}

async function wrongValues(object) {
  const model = await load(moduleOf(object));
  if (model === undefined) return [`${nameOf(object)}: ${object.apiVersion} is unknown`];
  try {
    new model[object.kind](object).validate();
    return [];
  } catch (error) {
    return [`${nameOf(object)}: ${error.message}`];
  }
}

// A literal of an interface's type may have no field that the interface lacks, at any depth.
function wrongFields(objects) {
  const file = path.join(packages, "manifests.ts");
  const lines = objects.map((object, i) =>
    `import type { I${object.kind} as T${i} } from "${moduleOf(object)}"; export const o${i}: T${i} = ` +
    `${JSON.stringify(object)};`);
  const options = { strict: true, noEmit: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022, types: [],
                    module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile;
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, lines.join("\n"), options.target) : read(name, ...rest);
  const exists = host.fileExists;
  host.fileExists = (name) => name === file || exists(name);
  const program = ts.createProgram([file], options, host);
  return ts.getPreEmitDiagnostics(program).map((found) => {
    const at = found.file === undefined || found.file.fileName !== file ? undefined
      : found.file.getLineAndCharacterOfPosition(found.start).line;
    const text = ts.flattenDiagnosticMessageText(found.messageText, " ").slice(0, 500);
    return `${at === undefined ? found.file?.fileName ?? "?" : nameOf(objects[at])}: ${text}`;
  });
}

const objects = JSON.parse(readFileSync(process.argv[2], "utf8"));
const findings = [];
for (const object of objects) findings.push(...await wrongValues(object));
if (findings.length === 0) findings.push(...wrongFields(objects));
for (const finding of findings) console.log(finding);
process.exitCode = findings.length === 0 ? 0 : 1;
