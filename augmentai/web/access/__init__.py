"""Who may do what: request guard, rate limits, visitors, public pages."""
