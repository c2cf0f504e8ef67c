// Writes console/model/api-schema.ts: the shapes that the console answers with, as JSON Schema, from their TypeScript types.
import { writeFileSync } from 'node:fs';
import ts from 'typescript';

const program = ts.createProgram(['console/model/api.ts'], { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, strict: true, skipLibCheck: true, noEmit: true });
const checker = program.getTypeChecker();
const source = program.getSourceFile('console/model/api.ts');
const definitions = {};
const names = new Map();

const doc = (symbol) => ts.displayPartsToString(symbol?.getDocumentationComment(checker) ?? []).replace(/\s+/g, ' ').trim();
function nameOf(type) {
  const symbol = type.aliasSymbol ?? type.symbol;
  if (!symbol || (type.aliasTypeArguments ?? checker.getTypeArguments?.(type) ?? []).length > 0) return undefined;
  const name = symbol.getName();
  const file = symbol.declarations?.[0]?.getSourceFile().fileName ?? '';
  return /(console\/model|contracts)\//.test(file) && !name.startsWith('__') && (symbol.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias)) ? name : undefined;
}
function schemaOf(type, inside = false) {
  const name = inside ? undefined : nameOf(type);
  if (name) {
    if (!names.has(name)) {
      names.set(name, type);
      definitions[name] = {};
      const text = doc(type.aliasSymbol ?? type.symbol);
      definitions[name] = { ...(text ? { description: text } : {}), ...schemaOf(type, true) };
    }
    return { $ref: `#/definitions/${name}` };
  }
  if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return {};
  if (type.flags & ts.TypeFlags.StringLiteral) return { type: 'string', enum: [type.value] };
  if (type.flags & ts.TypeFlags.NumberLiteral) return { type: 'number', enum: [type.value] };
  if (type.flags & ts.TypeFlags.BooleanLiteral) return { type: 'boolean', enum: [type.intrinsicName === 'true'] };
  if (type.flags & ts.TypeFlags.Null) return { type: 'null' };
  if (type.flags & ts.TypeFlags.StringLike) return { type: 'string' };
  if (type.flags & ts.TypeFlags.NumberLike) return { type: 'number' };
  if (type.flags & ts.TypeFlags.Boolean) return { type: 'boolean' };
  if (type.isUnion()) {
    const parts = type.types.filter((t) => !(t.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)));
    if (parts.every((t) => t.flags & ts.TypeFlags.StringLiteral)) return { type: 'string', enum: parts.map((t) => t.value) };
    if (parts.every((t) => t.flags & ts.TypeFlags.NumberLiteral)) return { type: 'number', enum: parts.map((t) => t.value) };
    const both = parts.filter((t) => t.flags & ts.TypeFlags.BooleanLiteral);
    const rest = parts.filter((t) => !(both.length === 2 && t.flags & ts.TypeFlags.BooleanLiteral)).map((t) => schemaOf(t));
    if (both.length === 2) rest.push({ type: 'boolean' });
    return rest.length === 1 ? rest[0] : { anyOf: rest };
  }
  if (checker.isTupleType(type)) return { type: 'array', items: { anyOf: checker.getTypeArguments(type).map((t) => schemaOf(t)) }, minItems: 0 };
  if (checker.isArrayType(type)) return { type: 'array', items: schemaOf(checker.getTypeArguments(type)[0]) };
  const index = checker.getIndexInfoOfType(type, ts.IndexKind.String);
  const properties = {};
  const required = [];
  for (const p of checker.getPropertiesOfType(type)) {
    const t = checker.getTypeOfSymbol(p);
    const text = doc(p);
    const inner = schemaOf(t.isUnion() ? checker.getNonOptionalType?.(t) ?? t : t);
    properties[p.getName()] = text ? ('$ref' in inner ? { description: text, allOf: [inner] } : { description: text, ...inner }) : inner;
    if (!(p.flags & ts.SymbolFlags.Optional) && !(t.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown))) required.push(p.getName());
  }
  return { type: 'object', ...(Object.keys(properties).length > 0 ? { properties } : {}), ...(required.length > 0 ? { required } : {}), additionalProperties: index ? schemaOf(index.type) : false };
}

const wanted = /(View|Row|Detail|Counts|Result|Answer|Change|Cleared|Verification|Overview|ApiError|Preview|Data|Codes|Created|Half|Enrolment|Reset|SavedFilter|ChannelTest|RetentionRun|Registry|Packet\w*|Stream\w*|Chain\w*|Graph|SeriesView|UserName|SigningKey\w*)$/;
for (const symbol of checker.getExportsOfModule(checker.getSymbolAtLocation(source))) {
  const real = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  if (!(real.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias)) || !wanted.test(real.getName())) continue;
  schemaOf(checker.getDeclaredTypeOfSymbol(real));
}
const text = JSON.stringify(Object.fromEntries(Object.entries(definitions).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, v])), (_, v) => v).replace(/},"([A-Z]\w+)":\{/g, '},\n"$1":{').replaceAll('"$ref":"#/definitions/', '"$ref":"#/components/schemas/');
writeFileSync(process.argv[2] ?? 'console/model/api-schema.ts', `/** What the console answers with, as JSON Schema; written by deploy/dev/write-api-schema.mjs from the types. */\nexport const API_SCHEMA: Readonly<Record<string, object>> = ${text};\n`);
