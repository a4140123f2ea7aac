"""Headers of every answer but the page, which sets its own: they allow a browser nothing."""

NOSNIFF = (b"x-content-type-options", b"nosniff")
REFERRER = (b"referrer-policy", b"no-referrer")
POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
