/** Shows the API's description. Requests go to this server only; nothing is loaded from elsewhere. */
'use strict'

const ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  docExpansion: 'none',
  defaultModelsExpandDepth: -1,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
})
globalThis.slipwayDocs = ui
