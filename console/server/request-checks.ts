import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';

/**
 * Checks requests against the routes' schemas, as Fastify's own compiler would, but compiles a check when the first
 * request needs it: all of them together are a third of the console's start, and most processes never need most.
 * The schemas are ours, so they are not themselves checked against the schema of schemas.
 */
export function requestChecks(): FastifySchemaCompiler<object> {
  const ajv = (addFormats as unknown as (a: Ajv) => Ajv)(new Ajv({
    coerceTypes: true, useDefaults: true, removeAdditional: false, allErrors: false, addUsedSchema: false, validateSchema: false,
  }));
  return ({ schema }) => {
    let compiled: ValidateFunction | undefined;
    const check = (data: unknown): boolean => {
      compiled ??= ajv.compile(schema);
      const right = compiled(data) as boolean;
      check.errors = compiled.errors;
      return right;
    };
    check.errors = undefined as ValidateFunction['errors'];
    return check as ReturnType<FastifySchemaCompiler<object>>;
  };
}
