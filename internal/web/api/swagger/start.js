// Starts Swagger UI on this server's own OpenAPI document. A script of its own, since the page allows no inline ones.
window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    persistAuthorization: true,
    validatorUrl: null,
    tryItOutEnabled: true,
  });
});
