// Holds dashboards against the types that Grafana publishes of them: fields and values that it does not know, at any depth.
//
//   node dashboard_types.mjs FILE     FILE: a JSON list of dashboards; NISI_PACKAGES: the folder of the packages
//
// Prints a finding a line, "UID: what"; exit code 1 when there are any.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const packages = process.env.NISI_PACKAGES;
const ts = createRequire(path.join(packages, "of-the-test.js"))("typescript");

// The types as JSON has them: an enumeration by its values. A panel by its type; a query as Grafana's data source of
// Prometheus takes it, whose types are not published.
const TYPES = `
import type * as raw from "@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen";
import type { Options as StatOptions } from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type { Options as TimeSeriesOptions, FieldConfig as TimeSeriesConfig }
  from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";
type Json<T> = T extends string ? \`\${T}\` : T extends number | boolean | null | undefined ? T
  : T extends (infer E)[] ? Json<E>[] : { [K in keyof T]: Json<T[K]> };
interface Query { refId: string; datasource: Json<raw.DataSourceRef>; expr: string; legendFormat?: string; instant?: boolean;
                  range?: boolean; format?: "time_series" | "table" | "heatmap"; interval?: string; exemplar?: boolean }
type PanelOf<Type extends string, Options, Custom> =
  Omit<Json<raw.Panel>, "type" | "options" | "targets" | "fieldConfig" | "id" | "gridPos" | "title"> & {
    type: Type; id: number; title: string; gridPos: Json<raw.GridPos>; targets: Query[]; options?: Json<Partial<Options>>;
    fieldConfig: { defaults: Omit<Json<raw.FieldConfig>, "custom"> & { custom?: Json<Partial<Custom>> }; overrides: [] } };
type Panel = PanelOf<"stat", StatOptions, {}> | PanelOf<"timeseries", TimeSeriesOptions, TimeSeriesConfig>;
export type Board = Omit<Json<raw.Dashboard>, "panels"> & { panels: Panel[] };
`;

function findings(boards) {
  const file = path.join(packages, "dashboards.ts");
  const lines = boards.map((board, i) => `export const b${i}: Board = ${JSON.stringify(board)};`);
  const head = TYPES.trim().split("\n").length;
  const options = { strict: true, noEmit: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022, types: [],
                    module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile, exists = host.fileExists;
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, [TYPES.trim(), ...lines].join("\n"), options.target) : read(name, ...rest);
  host.fileExists = (name) => name === file || exists(name);
  return ts.getPreEmitDiagnostics(ts.createProgram([file], options, host)).map((found) => {
    const line = found.file?.fileName === file ? found.file.getLineAndCharacterOfPosition(found.start).line - head : -1;
    const text = ts.flattenDiagnosticMessageText(found.messageText, " ").slice(0, 800);
    return `${boards[line]?.uid ?? found.file?.fileName ?? "?"}: ${text}`;
  });
}

const found = findings(JSON.parse(readFileSync(process.argv[2], "utf8")));
for (const finding of found) console.log(finding);
process.exit(found.length === 0 ? 0 : 1);
