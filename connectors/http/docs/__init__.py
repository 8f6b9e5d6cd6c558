"""The page that shows the OpenAPI document and tries it: its handler, its template, one script, one style."""
