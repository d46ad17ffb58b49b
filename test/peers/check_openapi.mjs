// Validates an OpenAPI document: node check_openapi.mjs FILE -> {"valid":true} or the errors.
import SwaggerParser from '@apidevtools/swagger-parser';

try {
  const api = await SwaggerParser.validate(process.argv[2]);
  console.log(JSON.stringify({valid: true, openapi: api.openapi, paths: Object.keys(api.paths)}));
} catch (error) {
  console.log(JSON.stringify({valid: false, error: error.message, details: error.details ?? []}));
}
