"""HTTP: uploads, content negotiation, security, problems, middleware and telemetry."""
